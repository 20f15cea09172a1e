/** Running sums over time: log gates with their resets, and rotary phases in turns. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, same, vectors } from './arithmetic';
import { sumColumns } from './rows';

type Sums = Pick<Kernels, 'gateSum' | 'gateSumBackward' | 'phaseSum' | 'phaseSumBackward' | 'resetGates'>;

interface Scan {
  /** The file for the slot `element`, and the numbers of four bytes that its `Sum` takes. */
  readonly element: string;
  readonly sumSize: number;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  /** [B, T, columns…] */
  readonly along: Tensor;
  readonly flags?: readonly string[];
  readonly params?: { readonly chunk?: number; readonly half?: number; readonly plane?: number };
}

/** The longest sequence that one thread per column sums. */
const shortest = 64;
/** Of a scan's workgroups. */
const threads = 64;

/** Tokens that one thread sums. Steps one after the other are fewest where a block's are as many as those of its column's blocks. */
function blockOf(T: number): number {
  return T <= shortest ? Math.max(1, T) : Math.max(16, Math.ceil(Math.sqrt(T / threads)));
}

function scan(machine: Machine, { element, sumSize, tensors, along, flags = [], params = {} }: Scan): void {
  const [B, T, ...rest] = along.shape as [number, number, ...number[]];
  const columns = rest.reduce((a, b) => a * b, 1);
  const block = blockOf(T);
  const blocks = Math.max(1, Math.ceil(T / block));
  const launch = (phase: readonly string[], size: number, groups: number, blockSums?: Tensor) =>
    machine.launch('scan', {
      imports: { element },
      flags: [...flags, ...phase],
      tensors: { block_sums: blockSums, ...tensors },
      params: { size, columns, length: T, blocks, block, chunk: 0, half: 1, plane: 0, ...params },
      groups,
    });
  const sequences = B * columns;
  if (blocks === 1) {
    launch([], sequences, Math.ceil(sequences / threads));
    return;
  }
  along.backend.scope(() => {
    const size = blocks * sequences;
    const groups = Math.ceil(size / threads);
    const blockSums = along.backend.empty([size * sumSize], 'int32');
    launch(['blocked', 'totals'], size, groups, blockSums);
    launch(['blocked', 'offsets'], sequences, sequences, blockSums);
    launch(['blocked'], size, groups, blockSums);
  });
}

export function sums(machine: Machine): Sums {
  return {
    gateSum({ logGate, chunk, A, start }) {
      const params = { chunk, plane: logGate.size };
      scan(machine, {
        element: 'gate_sum',
        sumSize: 8,
        tensors: { log_gate: logGate, A, start },
        along: logGate,
        params,
      });
    },
    gateSumBackward({ dA, start, chunk, dlogGate }) {
      scan(machine, {
        element: 'gate_sum_backward',
        sumSize: 2,
        tensors: { dA, start, dlog_gate: dlogGate },
        along: dA,
        flags: ['backwards'],
        params: { chunk },
      });
    },
    phaseSum({ beta, theta, thetaTail, phase, resume, turns, last }) {
      const [B, T, G, half] = turns.shape as [number, number, number, number];
      const run = (from: Tensor | undefined, flags: readonly string[]) =>
        scan(machine, {
          element: 'phase_sum',
          sumSize: 2,
          tensors: { beta, theta, thetaTail, phase, resume: from, turns, last },
          along: turns,
          flags: [...perPair(beta), ...flags],
          params: { half, plane: B * G * half },
        });
      if (!resume || !last || !same(resume, last)) return run(resume, []);
      if (T <= blockOf(T)) return run(undefined, ['continues']);
      // Several threads read what the last of them overwrites.
      turns.backend.scope(() => {
        const before = turns.backend.empty(resume.shape);
        const size = vectors(resume);
        machine.launch('cast', { tensors: { x: resume, y: before }, params: { size }, groups: groupsOf256(size) });
        run(before, []);
      });
    },
    phaseSumBackward({ beta, theta, dturns, dbeta, dtheta, dphase }) {
      const [B, T, G, half] = dturns.shape as [number, number, number, number];
      const columns = G * half;
      dturns.backend.scope(() => {
        const moved = dturns.backend.empty(dturns.shape);
        scan(machine, {
          element: 'phase_sum_backward',
          sumSize: 1,
          tensors: { dturns, moved },
          along: dturns,
          flags: ['backwards'],
        });
        if (dbeta) {
          machine.launch('phase_gradient', {
            flags: perPair(dbeta),
            tensors: { theta, moved, dbeta },
            params: { size: dbeta.size, columns, half },
            groups: groupsOf256(dbeta.size),
          });
        }
        if (dtheta) {
          sumColumns(machine, {
            term: 'term_phase',
            tensors: { moved, beta },
            flags: perPair(beta),
            rows: B * T,
            n: columns,
            scale: 1 / (2 * Math.PI),
            half,
            y: dtheta,
          });
        }
        if (dphase) {
          // Row 0 of each sequence.
          machine.launch('copy_block', {
            tensors: { x: moved, y: dphase },
            params: {
              size: B * columns,
              block: columns,
              x_offset: 0,
              x_stride: T * columns,
              y_offset: 0,
              y_stride: columns,
            },
            groups: groupsOf256(B * columns),
          });
        }
      });
    },
    resetGates({ x, reset, y }) {
      const params = { size: x.size, width: x.size / (reset.size || 1) };
      machine.launch('reset_gates', { tensors: { x, reset, y }, params, groups: groupsOf256(x.size) });
    },
  };
}

export function perPair(beta: Tensor | undefined): readonly string[] {
  return beta?.shape.length === 4 ? ['beta_per_pair'] : [];
}
