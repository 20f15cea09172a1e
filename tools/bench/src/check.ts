/** The check that stands before every clock. */

/** A result that is not what its definition or its peer says. */
export class WrongResult extends Error {
  override readonly name = 'WrongResult';
}

/** ‖ours − expected‖ / ‖expected‖ (without the quotient where that is 0); NaN where lengths differ or a NaN stands in either. */
export function relativeError(ours: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (ours.length !== expected.length) return NaN;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (ours[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(size === 0 ? difference : difference / size);
}

/** @throws WrongResult when the relative error is over `tolerance` or NaN */
export function expectClose(
  what: string,
  ours: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  const error = relativeError(ours, expected);
  if (error <= tolerance) return;
  throw new WrongResult(
    `wrong result: ${what}, relative error ${error.toExponential(2)}, at most ${tolerance} is allowed`,
  );
}

/** One input of a function with a backward pass, and the gradient that the backward pass says it has. */
export interface Slope {
  readonly value: ArrayLike<number>;
  readonly gradient: ArrayLike<number>;
  /** A direction to walk in, of about the value's own scale. */
  readonly direction: ArrayLike<number>;
}

/**
 * Holds all gradients at once to the definition of the forward pass: the slope of `f` along the directions, by central
 * differences in float64, is Σ gradient·direction.
 *
 * @param f - the definition, a number from the inputs in the order of `slopes`
 * @throws WrongResult when they differ by more than `tolerance`, measured against the norms of what was multiplied
 */
export function expectSlope(
  what: string,
  f: (inputs: Float64Array[]) => number,
  slopes: readonly Slope[],
  tolerance: number,
): void {
  const step = 1e-5;
  const moved = (by: number) =>
    f(slopes.map(({ value, direction }) => Float64Array.from(value, (x, i) => x + by * direction[i]!)));
  const expected = (moved(step) - moved(-step)) / (2 * step);
  let found = 0;
  let scale = 0;
  for (const { gradient, direction } of slopes) {
    let square = 0;
    for (let i = 0; i < gradient.length; i++) {
      found += gradient[i]! * direction[i]!;
      square += (gradient[i]! * direction[i]!) ** 2;
    }
    scale += square;
  }
  const error = Math.abs(found - expected) / Math.sqrt(scale);
  if (error <= tolerance) return;
  throw new WrongResult(
    `wrong result: the gradients of ${what} give a slope of ${found}, the definition one of ${expected} (error ${error.toExponential(2)} of the gradients' size, at most ${tolerance} is allowed)`,
  );
}
