/** The door checks that both kinds of recurrence share; everything else is checked by the kernels. */

import type { Variable } from '@sympow/autograd';
import { ConfigError, ShapeError } from '@sympow/kernels';
import type { AttentionInputs, MemoryShape, SavedMemory, SavedTensor } from './api';

/** What no kernel would notice. */
export function checkInputs(
  { q, k, v, logGate, phases, reset, own }: AttentionInputs,
  phase: Variable | undefined,
): void {
  for (const [name, { value }] of Object.entries({ q, k, v })) {
    if (value.shape.length !== 4) {
      throw new ShapeError({
        what: `shape of ${name}`,
        value: value.shape,
        expected: `four axes [B, T, heads, ${name === 'v' ? 'e' : 'd'}]`,
      });
    }
  }
  const [B, T] = q.value.shape;
  if (T === 0) throw new ShapeError({ what: 'length of the sequence', value: 0, expected: 'at least 1 token' });
  const ofTokens = Object.entries(own ?? {}).map(([name, { value }]) => [`own.${name}`, value] as const);
  const rows = {
    ...Object.fromEntries(ofTokens.filter(([, { shape }]) => shape.length > 2)),
    k: k.value,
    v: v.value,
    logGate: logGate?.value,
    beta: phases?.beta?.value,
    reset,
  };
  for (const [name, tensor] of Object.entries(rows)) {
    if (tensor && (tensor.shape[0] !== B || tensor.shape[1] !== T)) {
      throw new ShapeError({
        what: `shape of ${name}`,
        value: tensor.shape,
        expected: `[${B}, ${T}, …], a row for every token of q`,
      });
    }
  }
  if (phase && !phases) {
    throw new ConfigError({
      what: 'the initial state',
      value: 'with phases',
      expected: 'one without, as the inputs have none',
      remedy: 'Pass the phases too.',
    });
  }
}

/** The same for a piece of a stream, which must fit the memory that it moves on: checked before anything is moved. */
export function checkStream(inputs: AttentionInputs, { phases, gateWidth }: MemoryShape): void {
  checkInputs(inputs, undefined);
  const { logGate, reset } = inputs;
  if (phases !== (inputs.phases !== undefined)) {
    throw new ConfigError({
      what: 'the memory',
      value: phases ? 'with phases' : 'without phases',
      expected: `one ${phases ? 'without' : 'with'}, as the inputs`,
      remedy: 'Make the memory and its inputs with the same phases.',
    });
  }
  const width = logGate ? (logGate.value.shape[3] ?? 1) : reset ? 1 : 0;
  if (width > 0 && width !== gateWidth) {
    throw new ConfigError({
      what: 'the memory',
      value: gateWidth === 0 ? 'without gates' : `with gateWidth ${gateWidth}`,
      expected: `one with gateWidth ${width}, for ${logGate ? 'gates' : 'resets'}`,
      remedy: logGate ? 'Make the memory for these gates.' : 'Begin each document with a fresh memory.',
    });
  }
}

/**
 * A tensor of a saved memory.
 *
 * @throws ConfigError if it is missing, ShapeError if it has another shape
 */
export function savedTensor({ tensors }: SavedMemory, name: string, shape: readonly number[]): SavedTensor {
  const tensor = tensors[name];
  if (!tensor) {
    throw new ConfigError({
      what: 'the saved memory',
      value: `without ${name}`,
      expected: 'one that was saved by a layer of this kind',
    });
  }
  if (tensor.shape.join() !== shape.join()) {
    throw new ShapeError({
      what: `shape of ${name} in the saved memory`,
      value: tensor.shape,
      expected: `[${shape.join(', ')}]`,
    });
  }
  return tensor;
}
