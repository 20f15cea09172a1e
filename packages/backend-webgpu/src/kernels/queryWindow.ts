/** Decoding: the newest token answered from the last keys and values and from the state before them, in two launches. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { featuresOf } from './features';

/** Rows of the state that one workgroup answers from. */
const rowsPerBlock = 64;

/** A window of keys with what is behind it, or only what is behind it. */
interface Window {
  readonly power: number;
  /** [B, H, d] */
  readonly q: Tensor;
  readonly root: number;
  readonly S: Tensor;
  readonly Z: Tensor;
  readonly window?: { readonly k: Tensor; readonly logGate?: Tensor | undefined; readonly count: Tensor };
}

interface Parts {
  readonly parts: Tensor;
  readonly blocks: number;
}

/** What a query finds in blocks of the state and in the window, unsummed. To be called in a scope. */
export function windowParts(machine: Machine, { power, q, root, S, Z, window }: Window): Parts {
  const [B, H, d] = q.shape as [number, number, number];
  const [, G, D, e] = S.shape as [number, number, number, number];
  const blocks = Math.ceil(D / rowsPerBlock);
  const { k, logGate, count } = window ?? {};
  const C = k?.shape[1] ?? 0;
  const parts = q.backend.empty([B * H, blocks * (e + 1) + 2 + C]);
  const vector = logGate?.shape.length === 4;
  machine.launch('window_parts', {
    constants: { d, power, gate_width: vector ? d : 1, gate_exponent: vector ? 1 : 1 / power },
    tensors: { rows: featuresOf(machine, d, power).rows, q, k, log_gate: logGate, count, S, Z, parts },
    params: { heads: H, shared_by: H / G, rows: D, columns: e, blocks, window: C, root },
    groups: B * H * (blocks + C),
  });
  return { parts, blocks };
}

interface Join extends Parts {
  readonly power: number;
  readonly normalized: boolean;
  readonly G: number;
  readonly window?: { readonly v: Tensor; readonly count: Tensor };
  /** [B, H, e] */
  readonly y: Tensor;
}

export function joinWindow(machine: Machine, { parts, blocks, power, normalized, G, window, y }: Join): void {
  const [, H, e] = y.shape as [number, number, number];
  const { v, count } = window ?? {};
  machine.launch('window_join', {
    tensors: { parts, v, count, y },
    params: {
      heads: H,
      shared_by: H / G,
      columns: e,
      blocks,
      window: v?.shape[1] ?? 0,
      power,
      normalized: normalized ? 1 : 0,
    },
    groups: (y.size / e || 0) * Math.ceil(e / 16),
  });
}

export function queryWindow(machine: Machine): Pick<Kernels, 'queryWindow'> {
  return {
    queryWindow({ power, normalizer, q, k, v, logGate, count, S, Z, y }) {
      const [, , d] = q.shape as [number, number, number];
      y.backend.scope(() => {
        const window = { k, logGate, count };
        const found = windowParts(machine, { power, q, root: 1 / Math.sqrt(d), S, Z, window });
        const normalized = normalizer === 'sum';
        joinWindow(machine, { ...found, power, normalized, G: S.shape[1]!, window: { v, count }, y });
      });
    },
  };
}
