import { describeBackend } from '@sympow/conformance';
import { describe, inject, it } from 'vitest';
import { wasm } from './backend';

// A page that is not isolated has one thread. The same module runs all cases in Node.
const threads = inject('isolated') ? 2 : 'auto';
const every = inject('thorough') ? 1 : 3;
describe(`${threads} threads`, () => describeBackend(wasm({ threads }), { describe, it, every }));
