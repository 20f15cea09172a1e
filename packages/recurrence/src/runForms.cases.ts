/** Runs a sequence case on a backend in any form and any pieces, with every gradient; for tests only. */

import { broadcastRows, constant, logSigmoid, parameter, sliceRows, Tape, type Variable } from '@sympow/autograd';
import type { Backend, Tensor } from '@sympow/kernels';
import type { AttentionInputs, Form, PhaseInputs, PowerState } from './api';
import { fixedLogGates } from './gates';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { ownRows } from './rows';
import { horizon, lossWeights, type Leaves, type SequenceCase } from './sequences.cases';

/** How a piece is computed. */
export interface Way {
  readonly form: Form;
  readonly chunk?: number;
}

export const ways: readonly Way[] = [
  { form: 'attention' },
  { form: 'recurrent' },
  ...[1, 2, 7, 16, 64, 100].map((chunk): Way => ({ form: 'chunked', chunk })),
];

export const nameOf = ({ form, chunk }: Way): string => (chunk ? `${form} ${chunk}` : form);

/** The next `count` tokens of a sequence, and how they are computed. */
export interface Piece extends Way {
  readonly count: number;
}

/** Everything by name: y, S, Z, phase, and gradients as `dq` and so on. */
export type Results = Readonly<Record<string, Float64Array>>;

/** The inputs of a case as variables on a backend, ready to be cut. */
export function variablesOf(backend: Backend, kase: SequenceCase, leaves: Leaves) {
  const { G, d, T, B, gate, phase } = kase;
  const variables = Object.fromEntries(
    Object.entries(leaves).map(([name, { data, shape }]) => [name, parameter(backend.upload(data, shape))] as const),
  );
  const { q, k, v, S0, Z0, phase0, ...rest } = variables as Record<string, Variable>;
  const state: PowerState | undefined = S0 && Z0 && { S: S0, Z: Z0, phase: phase0 };
  const turning = rest.theta ? { theta: rest.theta } : fixedTheta(backend, d, horizon, G);
  const inputs = (tape: Tape): AttentionInputs => {
    const phases: PhaseInputs | undefined = phase === 'none' ? undefined : { ...turning, beta: rest.beta };
    const perHead = rest.bias
      ? logSigmoid(tape, rest.bias)
      : gate === 'fixed' && constant(backend.upload(fixedLogGates(G), [G]));
    const logGate = rest.logGate ?? (perHead ? broadcastRows(tape, perHead, [B, T, G]) : undefined);
    return { q: q!, k: k!, v: v!, logGate, phases };
  };
  return { variables, inputs, state };
}

/** Rows [from, from + count) of all that has a row per token. */
export function sliceInputs(tape: Tape, inputs: AttentionInputs, from: number, count: number): AttentionInputs {
  const rows = (x: Variable) => sliceRows(tape, x, from, count);
  const { q, k, v, logGate, phases, own } = inputs;
  const beta = phases?.beta && rows(phases.beta);
  return {
    q: rows(q),
    k: rows(k),
    v: rows(v),
    logGate: logGate && rows(logGate),
    phases: phases && { ...phases, beta },
    own: ownRows(own, rows),
  };
}

/** The pieces one after the other, the state carried along on one tape. */
export function runPieces(backend: Backend, kase: SequenceCase, leaves: Leaves, pieces: readonly Piece[]): Results {
  const { B, T, H, e, power, normalizer } = kase;
  const weights = lossWeights(kase);
  return backend.scope(() => {
    const { variables, inputs, state: initial } = variablesOf(backend, kase, leaves);
    const tape = new Tape(backend);
    const whole = inputs(tape);
    const y = backend.empty([B, T, H, e]);
    const dy = backend.upload(weights.y.data, [B, T, H, e]);
    const seeds: [Variable, Tensor][] = [];
    let state = initial;
    let from = 0;
    for (const { count, form, chunk } of pieces) {
      const part = pieces.length === 1 ? whole : sliceInputs(tape, whole, from, count);
      const result = powerRecurrence({ power, normalizer, form, ...(chunk && { chunk }) }).sequence(tape, part, {
        state,
      });
      const seed = backend.empty([B, count, H, e]);
      backend.kernels.copyBlock({ x: result.y.value, to: from, count, y });
      backend.kernels.copyBlock({ x: dy, from, count, y: seed });
      seeds.push([result.y, seed]);
      state = result.state!;
      from += count;
    }
    const { S, Z, phase } = state!;
    for (const [variable, name] of [
      [S, 'S'],
      [Z, 'Z'],
      [phase, 'phase'],
    ] as const) {
      if (!variable) continue;
      tape.keep(variable);
      seeds.push([variable, backend.upload(weights[name].data, variable.value.shape)]);
    }
    tape.backward(seeds);
    const read = (tensor: Tensor) => Float64Array.from(backend.readSync!(tensor));
    return {
      y: read(y),
      S: read(S.value),
      Z: read(Z.value),
      phase: phase ? read(phase.value) : new Float64Array(0),
      ...Object.fromEntries(
        Object.entries(variables).map(([name, leaf]) => [`d${name}`, read(tape.gradientOrZero(leaf))]),
      ),
    };
  });
}
