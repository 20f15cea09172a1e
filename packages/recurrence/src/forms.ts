/**
 * The three forms of the power recurrence on turned queries and keys. They compute the same outputs, states and gradients;
 * see the README for what each costs.
 */

import { call, sliceRows, reshape, type Tape, type Variable } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import {
  addJs,
  discountedSumJs,
  gateSumJs,
  powerAttentionJs,
  queryStateJs,
  stepStateJs,
  updateStateJs,
  type JsKernels,
  type Normalizer,
} from '@sympow/kernels';
import { discountedSum, powerAttention, queryState, updateState, type StatePair } from './power';
import { gateSum } from './sums';

/** Turned inputs of one sequence: shapes as in `AttentionInputs`. */
export interface FormInputs {
  readonly q: Variable;
  readonly k: Variable;
  readonly v: Variable;
  readonly logGate?: Variable | undefined;
  readonly initial?: StatePair | undefined;
}

/** What a form is told: p, how answers are divided, and whether the state behind the last token is wanted. */
export interface FormOptions {
  readonly power: number;
  readonly normalizer: Normalizer;
  readonly finalState: boolean;
}

/** Outputs [B, T, H, e] and the state after the last token. */
export interface FormResult {
  readonly y: Variable;
  readonly last?: StatePair | undefined;
}

/** What {@link chunkedForm} and {@link attentionForm} call, with their gradients, for `jsWith` of `@sympow/kernels`. */
export const chunkedKernels: readonly JsKernels[] = [
  addJs,
  gateSumJs,
  powerAttentionJs,
  updateStateJs,
  discountedSumJs,
  queryStateJs,
];

/** What {@link recurrentForm} calls, with its gradients, for `jsWith` of `@sympow/kernels`. */
export const recurrentKernels: readonly JsKernels[] = [addJs, stepStateJs];

/** Attention inside chunks of C tokens, and a state carried from chunk to chunk. */
export function chunkedForm(
  tape: Tape,
  inputs: FormInputs,
  options: FormOptions & { readonly chunk: number },
): FormResult {
  return tape.attempt(() => chunked(tape, inputs, options));
}

function chunked(
  tape: Tape,
  { q, k, v, logGate, initial }: FormInputs,
  { chunk, finalState, normalizer, power }: FormOptions & { readonly chunk: number },
): FormResult {
  const T = q.value.shape[1] as number;
  const options = { power, chunk };
  const gates = gateSum(tape, logGate, chunk);
  const inside = powerAttention(tape, q, k, v, gates, options);
  const severalChunks = T > chunk;
  if (!severalChunks && !finalState) {
    const state = initial && { S: withChunkAxis(tape, initial.S), Z: withChunkAxis(tape, initial.Z) };
    return { y: queryState(tape, q, gates, state, inside, { normalizer, ...options }) };
  }
  const { before, last } = discountedSum(tape, updateState(tape, k, v, gates, options), gates, initial, T, options);
  const history = severalChunks || initial ? before : undefined;
  const y = queryState(tape, q, gates, history, inside, { normalizer, ...options });
  return { y, last: finalState ? last : undefined };
}

/** [B, G, …] as the states of a single chunk [B, 1, G, …]. */
function withChunkAxis(tape: Tape, x: Variable): Variable {
  const [B, ...rest] = x.value.shape as [number, ...number[]];
  return reshape(tape, x, [B, 1, ...rest]);
}

/** Every token against every earlier one: the chunked form with the whole sequence as its one chunk. */
export function attentionForm(tape: Tape, inputs: FormInputs, options: FormOptions): FormResult {
  return chunkedForm(tape, inputs, { ...options, chunk: Math.max(1, inputs.q.value.shape[1] as number) });
}

/** Token by token, one state each: the definition. */
export function recurrentForm(tape: Tape, inputs: FormInputs, options: FormOptions): FormResult {
  return tape.attempt(() => recurrent(tape, inputs, options));
}

function recurrent(
  tape: Tape,
  { q, k, v, logGate, initial }: FormInputs,
  { power, normalizer, finalState }: FormOptions,
): FormResult {
  const [B, T, , d] = q.value.shape as [number, number, number, number];
  const [G, e] = v.value.shape.slice(2) as [number, number];
  let state = initial ?? zeroState(tape, B, G, embeddedSize(d, power), e);
  const token = (x: Variable, t: number) => {
    const { shape } = x.value;
    return reshape(tape, sliceRows(tape, x, t, 1), [B, ...shape.slice(2)]);
  };
  const rows: Variable[] = [];
  for (let t = 0; t < T; t++) {
    const next = stepState(
      tape,
      { q: token(q, t), k: token(k, t), v: token(v, t), logGate: logGate && token(logGate, t), state },
      { power, normalizer },
    );
    rows.push(next.y);
    state = next.state;
  }
  return { y: stackTokens(tape, rows), last: finalState ? state : undefined };
}

/** Rows [B, …], one for each token, as [B, T, …]. */
export function stackTokens(tape: Tape, rows: readonly Variable[]): Variable {
  const [B, ...rest] = rows[0]!.value.shape as [number, ...number[]];
  const row = [B, 1, ...rest];
  const y = tape.result([B, rows.length, ...rest], rows);
  rows.forEach(({ value }, t) =>
    tape.backend.scope(() => tape.kernels.copyBlock({ x: tape.view(value, row), to: t, count: 1, y: y.value })),
  );
  tape.record([y], () => {
    rows.forEach((each, t) => {
      const drow = tape.empty(row);
      tape.kernels.copyBlock({ x: tape.gradientOrZero(y), from: t, count: 1, y: drow });
      tape.share(each, drow);
      drow.dispose();
    });
  });
  return y;
}

/** An empty history: zeros [B, G, D, e] and [B, G, D]. */
export function zeroState(tape: Tape, B: number, G: number, D: number, e: number): StatePair {
  const S = tape.result([B, G, D, e], []);
  const Z = tape.result([B, G, D], []);
  tape.kernels.fill({ value: 0, y: S.value });
  tape.kernels.fill({ value: 0, y: Z.value });
  return { S, Z };
}

export interface StepInputs {
  /** [B, H, d], [B, G, d], [B, G, e] and [B, G(, d)] */
  readonly q: Variable;
  readonly k: Variable;
  readonly v: Variable;
  readonly logGate: Variable | undefined;
  readonly state: StatePair;
}

/** One token: S ← γS + φ(k)vᵀ and its answer [B, H, e]. */
export function stepState(
  tape: Tape,
  { q, k, v, logGate, state }: StepInputs,
  options: { power: number; normalizer: Normalizer },
): { y: Variable; state: StatePair } {
  const [B, H] = q.value.shape as [number, number, number];
  const shapes = { SNext: state.S.value.shape, ZNext: state.Z.value.shape, y: [B, H, v.value.shape[2] as number] };
  const made = call(tape, 'stepState', { q, k, v, logGate, S: state.S, Z: state.Z }, shapes, options);
  return { y: made.y, state: { S: made.SNext, Z: made.ZNext } };
}
