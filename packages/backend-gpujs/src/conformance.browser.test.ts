import { describeBackend, type Skip } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { gpujs } from './backend';

const reason = 'the results are sums of numbers below the smallest normal float32, which GPUs take for 0';
const skips: readonly Skip[] = [
  { kernel: 'discountedSumBackward', case: 'p = 4, gates at the threshold', reason, since: '2026-11-22' },
  { kernel: 'queryStateBackward', case: 'steep gates', reason, since: '2026-11-22' },
];

describe('webgl2', () => describeBackend(gpujs({ mode: 'webgl2' }), { describe, it, skips }));
