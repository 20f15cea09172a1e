import { browserProject } from '../../vitest.base.ts';

export default browserProject('training-browser', { isolated: false });
