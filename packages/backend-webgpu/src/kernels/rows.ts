/** Column sums, broadcasting, and norms over the last axis. */

import type { Kernels, NormArgs, NormBackwardArgs, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

/** What is summed, by a file for the slot `term`, over the rows of a matrix with `n` columns. */
export interface ColumnSums {
  readonly term: string;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  readonly flags?: readonly string[];
  readonly rows: number;
  readonly n: number;
  readonly scale?: number;
  readonly half?: number;
  readonly y: Tensor;
}

const columnsPerGroup = 32;
/** Rows that one workgroup sums at least, and workgroups that keep a large device busy. */
const fewestRows = 128;
const busy = 512;

/** y[c] = scale·Σ_r term(r, c) */
export function sumColumns(
  machine: Machine,
  { term, tensors, flags = [], rows, n, scale = 1, half = 1, y }: ColumnSums,
): void {
  const blocks = Math.ceil(n / columnsPerGroup);
  const splits = Math.max(1, Math.min(Math.floor(rows / fewestRows), Math.ceil(busy / blocks)));
  const launch = (
    file: string,
    inputs: ColumnSums['tensors'],
    count: number,
    out: Tensor,
    parts: number,
    factor: number,
  ) =>
    machine.launch('sum_rows', {
      imports: { term: file },
      flags,
      tensors: { y: out, ...inputs },
      params: { rows: count, n, rows_per_split: Math.ceil(count / parts), scale: factor, half },
      groups: blocks * parts,
    });
  if (splits === 1) {
    launch(term, tensors, rows, y, 1, scale);
    return;
  }
  y.backend.scope(() => {
    const parts = y.backend.empty([splits, n]);
    launch(term, tensors, rows, parts, splits, 1);
    launch('term_element', { x: parts }, splits, y, 1, scale);
  });
}

type Rows = Pick<
  Kernels,
  'sumRows' | 'broadcastRows' | 'layerNorm' | 'layerNormBackward' | 'rmsNorm' | 'rmsNormBackward'
>;

export function rows(machine: Machine): Rows {
  const shapeOf = ({ shape, size }: Tensor) => ({ n: shape.at(-1)!, count: size / (shape.at(-1) || 1) });
  const threadsFor = (n: number) => ({ threads: n > 256 ? 256 : 64 });

  const norm = ({ x, weight, bias, eps, y }: NormArgs, flags: readonly string[]) => {
    const { n, count } = shapeOf(x);
    machine.launch('norm', {
      flags,
      constants: threadsFor(n),
      tensors: { x, weight, bias, y },
      params: { n, eps },
      groups: count,
    });
  };
  const normBackward = (args: NormBackwardArgs, flags: readonly string[]) => {
    const { x, weight, dy, eps, dx, dweight, dbias } = args;
    const { n, count } = shapeOf(x);
    x.backend.scope(() => {
      const statistics = dweight && x.backend.empty([count, 2]);
      const short = n === (flags.includes('centred') ? 2 : 1);
      machine.launch('norm', {
        flags: short ? [...flags, 'one_direction'] : flags,
        constants: threadsFor(n),
        tensors: { x, weight, dy, dx, statistics },
        params: { n, eps },
        groups: count,
      });
      if (dweight) {
        const tensors = { x, dy, statistics };
        sumColumns(machine, { term: 'term_norm', tensors, flags, rows: count, n, y: dweight });
      }
      if (dbias) sumColumns(machine, { term: 'term_element', tensors: { x: dy }, rows: count, n, y: dbias });
    });
  };

  return {
    sumRows({ x, scale, y }) {
      const { n, count } = shapeOf(x);
      sumColumns(machine, { term: 'term_element', tensors: { x }, rows: count, n, scale: scale ?? 1, y });
    },
    broadcastRows({ x, y }) {
      const wide = x.size % 4 === 0;
      const size = wide ? y.size / 4 : y.size;
      const params = { size, n: wide ? x.size / 4 : x.size };
      machine.launch('broadcast_rows', {
        flags: wide ? ['wide'] : [],
        tensors: { x, y },
        params,
        groups: groupsOf256(size),
      });
    },
    layerNorm: (args) => norm(args, ['centred']),
    layerNormBackward: (args) => normBackward(args, ['centred']),
    rmsNorm: (args) => norm(args, []),
    rmsNormBackward: (args) => normBackward(args, []),
  };
}
