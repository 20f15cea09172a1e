import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { wasm } from './backend';
import { hasRelaxedSimd } from './module';

for (const threads of [1, 2, 3]) {
  describe(`${threads} threads`, () => describeBackend(wasm({ threads }), { describe, it }));
}
if (hasRelaxedSimd()) {
  describe('wide tiles', () => describeBackend(wasm({ wide: true, threads: 2 }), { describe, it }));
}
