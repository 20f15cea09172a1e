import { browserProject } from '../../vitest.base.ts';

export default browserProject('backend-wasm-isolated', { isolated: true });
