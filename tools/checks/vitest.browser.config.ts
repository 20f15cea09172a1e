import { mergeConfig } from 'vitest/config';
import { browserProject } from '../../vitest.base.ts';

// Packages are imported by a pattern, which nothing looks through beforehand: what they import is named here, or the page would be
// loaded again in the middle of a test when it turns up.
export default mergeConfig(browserProject('checks-browser', { isolated: false }), {
  optimizeDeps: { entries: ['../../packages/*/src/index.ts', '!../../packages/distributed/**'] },
});
