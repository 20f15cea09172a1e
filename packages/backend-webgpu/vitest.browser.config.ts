import { browserProject } from '../../vitest.base.ts';

export default browserProject('backend-webgpu-browser', { isolated: false });
