import { browserProject } from '../../vitest.base.ts';

export default browserProject('storage-browser', { isolated: false });
