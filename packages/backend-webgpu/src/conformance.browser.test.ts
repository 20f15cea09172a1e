import { describeBackend } from '@sympow/conformance';
import { describe, inject, it } from 'vitest';
import { webgpu } from './backend';

// The same shaders run all cases in Node; here a case takes over a second.
describeBackend(webgpu(), { describe, it, every: inject('thorough') ? 1 : 12 });
