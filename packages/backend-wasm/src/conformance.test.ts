import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { wasm } from './backend';

for (const threads of [1, 2, 3]) {
  describe(`${threads} threads`, () => describeBackend(wasm({ threads }), { describe, it }));
}
