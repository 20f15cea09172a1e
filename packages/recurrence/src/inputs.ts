/** The door checks that both kinds of recurrence share; everything else is checked by the kernels. */

import type { Variable } from '@sympow/autograd';
import { ConfigError, ShapeError, type Tensor } from '@sympow/kernels';
import type { AttentionInputs, MemoryShape, SavedMemory, SavedTensor } from './api';

/** What no kernel would notice. */
export function checkInputs(
  { q, k, v, logGate, phases, reset, own }: AttentionInputs,
  phase: Variable | undefined,
): void {
  checkAxes('q', q);
  checkAxes('k', k);
  checkAxes('v', v);
  const [B, T] = q.value.shape as [number, number];
  if (T === 0) throw new ShapeError({ what: 'length of the sequence', value: 0, expected: 'at least 1 token' });
  checkRows('k', k.value, B, T);
  checkRows('v', v.value, B, T);
  checkRows('logGate', logGate?.value, B, T);
  checkRows('beta', phases?.beta?.value, B, T);
  checkRows('reset', reset, B, T);
  if (own) {
    for (const name of Object.keys(own)) {
      const { value } = own[name]!;
      if (value.shape.length > 2) checkRows(`own.${name}`, value, B, T);
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

function checkAxes(name: 'q' | 'k' | 'v', { value: { shape } }: Variable): void {
  if (shape.length === 4) return;
  const expected = `four axes [B, T, heads, ${name === 'v' ? 'e' : 'd'}]`;
  throw new ShapeError({ what: `shape of ${name}`, value: shape, expected });
}

function checkRows(name: string, tensor: Tensor | undefined, B: number, T: number): void {
  if (!tensor || (tensor.shape[0] === B && tensor.shape[1] === T)) return;
  const expected = `[${B}, ${T}, …], a row for every token of q`;
  throw new ShapeError({ what: `shape of ${name}`, value: tensor.shape, expected });
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
