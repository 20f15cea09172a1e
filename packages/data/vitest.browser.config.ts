import { browserProject } from '../../vitest.base.ts';

export default browserProject('data-browser', { isolated: false });
