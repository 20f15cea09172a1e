import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { gpujs } from './backend';

for (const mode of ['webasm', 'cpu'] as const) {
  describe(mode, () => describeBackend(gpujs({ mode }), { describe, it }));
}
