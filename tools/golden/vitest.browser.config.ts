import { browserProject } from '../../vitest.base.ts';

export default browserProject('golden-browser', { isolated: true });
