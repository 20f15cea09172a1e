import { browserProject } from '../../vitest.base.ts';

export default browserProject('checks-browser', { isolated: false });
