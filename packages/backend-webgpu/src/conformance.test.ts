import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { gpu, missing } from './gpu.cases';
import { webgpu } from './backend';

if (missing) it.skip(missing);
else describeBackend(webgpu({ gpu }), { describe, it });
