import { describeBackend, type Skip } from '@sympow/conformance';
import { describe, inject, it } from 'vitest';
import { gpujs } from './backend';

const skips: readonly Skip[] = [
  {
    kernel: 'queryStateBackward',
    case: 'steep gates',
    reason: 'dZ is a sum of terms around the smallest normal float32, which GPUs take for 0 one by one',
    since: '2026-11-22',
  },
];

const every = inject('thorough') ? 1 : 3;
describe('webgl2', () => describeBackend(gpujs({ mode: 'webgl2' }), { describe, it, skips, every }));
