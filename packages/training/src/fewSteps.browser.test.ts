import './fewSteps.test';
