export { AdamW, type AdamWOptions } from './adamw';
export type * from './api';
export { TrainingError } from './errors';
export { lossOf } from './loss';
export { readTraining, type TrainingRecord } from './resume';
export { warmupCosine, type Schedule, type WarmupCosineOptions } from './schedule';
export { trainingStep, type StepReport } from './step';
export { train } from './train';
export { trainingSettings, type TrainingSetting } from './trainingSettings';
