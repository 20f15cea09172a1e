import { browserProject } from '../../vitest.base.ts';

export default browserProject('backend-wasm-browser', { isolated: false });
