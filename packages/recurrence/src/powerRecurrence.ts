/** Attention with scores (q·k)^p: the recurrence with gates and phases, over whole sequences and as a stream. */

import type { Tape } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import { ConfigError, type Normalizer } from '@sympow/kernels';
import type { AttentionInputs, PowerOptions, PowerState, Recurrence, SequenceOptions, SequenceResult } from './api';
import { checkChunk, checkForm, chooseForm, defaultChunk } from './form';
import { attentionForm, chunkedForm, recurrentForm, type FormInputs, type FormOptions, type FormResult } from './forms';
import { checkInputs } from './inputs';
import { powerMemory, powerMemoryBytes, type PowerMemory } from './powerMemory';
import { streamPower } from './powerStream';
import { scaleKeys } from './scale';
import { resetGates } from './sums';
import { turn } from './turning';

/**
 * Makes the recurrence `S_i = γ_i S_{i−1} + φ(k'_i) v_iᵀ`, `Y_i = φ(q'_i)ᵀS_i / φ(q'_i)·Z_i` (arXiv 2503.03269).
 *
 * @throws ConfigError for a power that is not a whole number of at least 1, an odd power with normalizer `sum`, a chunk
 * that is not a whole number of at least 1, or an unknown form
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { constant, Tape } from '@sympow/autograd';
 * import { powerRecurrence } from '@sympow/recurrence';
 * const backend = await js().open();
 * const x = (heads: number) => constant(backend.upload(new Float32Array(5 * heads * 4).fill(0.5), [1, 5, heads, 4]));
 * const { y, state } = powerRecurrence({ power: 2 }).sequence(new Tape(backend), { q: x(2), k: x(1), v: x(1) });
 * console.log(y.value.shape, state!.S.value.shape); // [1, 5, 2, 4] [1, 1, 10, 4]
 * ```
 */
export function powerRecurrence(options: PowerOptions): Recurrence<PowerMemory, PowerState> {
  const { power, normalizer = 'sum', chunk, form = 'auto' } = options;
  checkOptions(power, normalizer, chunk);
  checkForm(form);

  function sequence(
    tape: Tape,
    inputs: AttentionInputs,
    options?: SequenceOptions<PowerState>,
  ): SequenceResult<PowerState> {
    return tape.attempt(() => compute(tape, inputs, options));
  }

  function compute(
    tape: Tape,
    inputs: AttentionInputs,
    { state, finalState = true }: SequenceOptions<PowerState> = {},
  ): SequenceResult<PowerState> {
    checkInputs(inputs, state?.phase);
    const [, , G, d] = inputs.k.value.shape as [number, number, number, number];
    const T = inputs.q.value.shape[1] as number;
    const D = embeddedSize(d, power);
    const C = chunk ?? defaultChunk(D);
    const sizes = { T, C, d, e: inputs.v.value.shape[3] as number, D, initialState: state !== undefined, finalState };
    const { q, k, phase } = turn(tape, inputs.q, inputs.k, inputs.phases, state?.phase);
    const logGate = resetGates(tape, inputs.logGate, inputs.reset, G);
    const turned = { q, k, v: inputs.v, logGate, initial: state };
    const { y, last } = computeForm(tape, chooseForm(form, sizes), turned, { power, normalizer, finalState }, C);
    return { y, state: last && { phase, ...last } };
  }

  return {
    kind: 'power',
    sequence,
    memory: (backend, shape, saved) => powerMemory(backend, shape, power, saved),
    memoryBytes: (shape) => powerMemoryBytes(shape, power),
    stream: (tape, inputs, memory, lengths) =>
      tape.attempt(() => streamPower(tape, inputs, memory, lengths, { power, normalizer, sequence })),
  };
}

function computeForm(
  tape: Tape,
  form: 'attention' | 'chunked' | 'recurrent',
  inputs: FormInputs,
  options: FormOptions,
  chunk: number,
): FormResult {
  // Scores need no help: they are divided by their row's largest. Without a normalizer the answer itself has the range of its keys.
  const stated = form !== 'attention' || inputs.initial !== undefined || options.finalState;
  if (!stated || options.normalizer === 'none') return inForm(tape, form, inputs, options, chunk);
  const scaled = scaleKeys(tape, inputs, options.power);
  const { y, last } = inForm(tape, form, scaled.inputs, options, chunk);
  return { y, last: last && scaled.unscale(last) };
}

function inForm(
  tape: Tape,
  form: 'attention' | 'chunked' | 'recurrent',
  inputs: FormInputs,
  options: FormOptions,
  chunk: number,
): FormResult {
  switch (form) {
    case 'attention':
      return attentionForm(tape, inputs, options);
    case 'chunked':
      return chunkedForm(tape, inputs, { chunk, ...options });
    case 'recurrent':
      return recurrentForm(tape, inputs, options);
  }
}

function checkOptions(power: number, normalizer: Normalizer, chunk: number | undefined): void {
  if (!Number.isSafeInteger(power) || power < 1) {
    throw new ConfigError({
      what: 'power',
      value: power,
      expected: 'a whole number of at least 1',
      remedy: 'The paper uses 2 and 4.',
    });
  }
  if (normalizer !== 'sum' && normalizer !== 'none') {
    throw new ConfigError({ what: 'normalizer', value: normalizer, expected: 'sum or none' });
  }
  if (normalizer === 'sum' && power % 2 !== 0) {
    throw new ConfigError({
      what: 'power',
      value: power,
      expected: 'an even number with normalizer sum, as scores must not be negative',
      remedy: 'Use an even power, or normalizer none.',
    });
  }
  if (chunk !== undefined) checkChunk(chunk);
}
