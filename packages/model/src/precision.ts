/**
 * What a model keeps in which element type. Nothing else decides it.
 *
 * Of parameters only matrices that multiply activations, and the table of embeddings, may be halves. Norms, biases, and all that
 * makes gates, phases and other inputs of a recurrence stay float32: their kernels ask for wide arguments, and they are few numbers.
 * States follow the configuration, as they change what a model computes.
 */

import { inType, linear } from '@sympow/autograd';
import { ConfigError, isHalf, requireKnownKeys, type DType, type HalfType, type KnownKeys } from '@sympow/kernels';
import type { ParameterSpec } from '@sympow/recurrence';
import type { FloatType, ModelConfig, PrecisionOptions, WeightType } from './api';
import type { Weights } from './layers/weights';

/** Types of matrices, completed. */
export interface Precision {
  readonly weights: WeightType;
  readonly masters: WeightType;
}

/** What numbers of a model may be kept in. */
export const floatTypes: readonly FloatType[] = ['float32', 'float16', 'bfloat16'];
const known: KnownKeys<Partial<Precision>> = { weights: true, masters: true };

/** @throws ConfigError for a type that there is not, or masters that are rounded otherwise than the weights made of them */
export function precisionOf({ precision = 'float32' }: PrecisionOptions): Precision {
  const given = typeof precision === 'string' ? { weights: precision } : precision;
  requireKnownKeys('precision', given, known);
  const { weights = 'float32', masters = 'float32' } = given;
  for (const [name, type] of Object.entries({ weights, masters })) {
    if (!floatTypes.includes(type))
      throw new ConfigError({ what: `precision: ${name}`, value: type, expected: floatTypes.join(', ') });
  }
  if (masters !== 'float32' && masters !== weights) {
    const expected = `float32, or ${weights} as the weights`;
    throw new ConfigError({ what: 'precision: masters', value: masters, expected });
  }
  return { weights, masters };
}

/** The type that a parameter is kept in; undefined for the backend's own float. Halves cannot be trained. */
export function keptIn({ masters }: Precision, { shape, wide }: ParameterSpec): DType | undefined {
  return isHalf(masters) && shape.length === 2 && !wide ? masters : undefined;
}

const halfOf = (type: FloatType): HalfType | undefined => (isHalf(type) ? type : undefined);

/** What states and caches are kept in; undefined for the backend's own float. */
export function statesIn({ states }: Pick<ModelConfig, 'states'>): HalfType | undefined {
  return halfOf(states);
}

/** Weights whose matrices are rounded anew for each product, where their masters are kept in more digits. */
export function rounded(weights: Weights, { weights: type, masters }: Precision): Weights {
  if (!isHalf(type) || masters === type) return weights;
  const { find } = weights;
  return {
    find,
    linear(name) {
      const [master, bias] = [find(`${name}.weight`)!, find(`${name}.bias`)];
      return (tape, x) => linear(tape, x, inType(tape, master, type), bias);
    },
  };
}

/** Bytes of parameters as they are kept. */
export function bytesOf(specs: Iterable<ParameterSpec>, precision: Precision): number {
  let bytes = 0;
  for (const spec of specs) bytes += spec.shape.reduce((a, b) => a * b, 1) * (keptIn(precision, spec) ? 2 : 4);
  return bytes;
}
