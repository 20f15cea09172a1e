import { describeBackend } from '@sympow/conformance';
import { describe, inject, it } from 'vitest';
import { wasm } from './backend';

for (const threads of inject('isolated') ? [1, 2] : (['auto'] as const)) {
  describe(`${threads} threads`, () => describeBackend(wasm({ threads }), { describe, it }));
}
