import { browserProject } from '../../vitest.base.ts';

export default browserProject('backend-gpujs-browser', { isolated: false });
