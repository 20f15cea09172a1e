/** Decoding: the newest token answered from the last keys and values and from the state before them. */

import type { Kernels, QueryWindowArgs, Tensor } from '@sympow/kernels';
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

/** Rows of a state that one workgroup reads by itself, keys in its window, and numbers of a key, at most. */
const whole = { rows: 8192, keys: 256, width: 256 };
/** Workgroups that keep a large device busy. */
const busy = 96;

/** Whether one launch does: where a workgroup can read a whole state, vectors of four at a time. */
function fitsWhole({ facts }: Machine, { q, k, logGate, S }: QueryWindowArgs): boolean {
  const [, , D, e] = S.shape as [number, number, number, number];
  const d = q.shape[2]!;
  if (logGate?.shape.length === 4) return false;
  const buffers = logGate ? 9 : 8;
  const wide = d % 4 === 0 && e % 4 === 0 && d <= whole.width && k.shape[1]! > 0 && k.shape[1]! <= whole.keys;
  return wide && D <= whole.rows && facts.limits.maxStorageBuffersPerShaderStage! >= buffers;
}

/** As many numbers of an answer in a workgroup as leave no part of the device without work. */
function vectorsFor({ facts }: Machine, queries: number, columns: number): number {
  const fewest = facts.software ? 1 : busy;
  let vectors = 16;
  while (vectors > 2 && (vectors / 2 >= columns || queries * Math.ceil(columns / vectors) < fewest)) vectors /= 2;
  return vectors;
}

function inOneLaunch(machine: Machine, { power, normalizer, q, k, v, logGate, count, S, Z, y }: QueryWindowArgs): void {
  const [B, H, d] = q.shape as [number, number, number];
  const [, G, D, e] = S.shape as [number, number, number, number];
  const vectors = vectorsFor(machine, B * H, e / 4);
  const steps = machine.facts.software ? 2 : 8;
  machine.launch('window_whole', {
    constants: { d, power, gate_exponent: 1 / power, window: k.shape[1]!, vectors, steps },
    tensors: { rows: featuresOf(machine, d, power).rows, q, k, v, count, log_gate: logGate, S, Z, y },
    params: {
      heads: H,
      shared_by: H / G,
      rows: D,
      columns: e / 4,
      root: 1 / Math.sqrt(d),
      normalized: normalizer === 'sum' ? 1 : 0,
    },
    groups: B * H * Math.ceil(e / 4 / vectors),
  });
}

export function queryWindow(machine: Machine): Pick<Kernels, 'queryWindow'> {
  return {
    queryWindow(args) {
      const { power, normalizer, q, k, v, logGate, count, S, Z, y } = args;
      if (y.size === 0) return;
      if (fitsWhole(machine, args)) return inOneLaunch(machine, args);
      const [, , d] = q.shape as [number, number, number];
      y.backend.scope(() => {
        const window = { k, logGate, count };
        const found = windowParts(machine, { power, q, root: 1 / Math.sqrt(d), S, Z, window });
        const normalized = normalizer === 'sum';
        joinWindow(machine, { power, normalized, G: S.shape[1]!, window: { v, count }, y, ...found });
      });
    },
  };
}
