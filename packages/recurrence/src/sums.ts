/**
 * Running sums of log gates and their resets, as variables. They are no calls of the catalogue: the two planes of A share one gradient,
 * and resets pass theirs on as it is.
 */

import type { Tape, Variable } from '@sympow/autograd';
import type { GateSums, Tensor } from '@sympow/kernels';

/** Gate sums with a variable for their gradient: only the sum's head plane's shape, as A's two planes share one gradient. */
export interface GateVariables {
  readonly sums: GateSums;
  /** Collects dA, [B, T, G(, d)]; its value is the log gates themselves. */
  readonly A: Variable;
}

/** log γ with −∞ where a document begins. Without gates, zeros elsewhere. */
export function resetGates(
  tape: Tape,
  logGate: Variable | undefined,
  reset: Tensor | undefined,
  G: number,
): Variable | undefined {
  if (!reset) return logGate;
  const [B, T] = reset.shape as [number, number];
  let x = logGate;
  if (!x) {
    x = tape.result([B, T, G], []);
    tape.kernels.fill({ value: 0, y: x.value });
  }
  const source = x;
  const y = tape.result(source.value.shape, [source]);
  tape.kernels.resetGates({ x: source.value, reset, y: y.value });
  // Gates that are 0 pass no gradient: `gateSum` gives 0 there already.
  tape.record([y], () => tape.share(source, tape.gradientOrZero(y)));
  return y;
}

/** Sums inside chunks of `chunk` tokens. */
export function gateSum(tape: Tape, logGate: Variable | undefined, chunk: number): GateVariables | undefined {
  if (!logGate) return undefined;
  const { shape } = logGate.value;
  const A = tape.result([2, ...shape], [logGate]);
  const start: Variable = { value: tape.empty(shape, 'int32'), requiresGradient: false };
  tape.kernels.gateSum({ logGate: logGate.value, chunk, A: A.value, start: start.value });
  // The gradient of A has one plane, so it hangs on a variable of the gates' own shape.
  const gradient: Variable = { value: tape.view(logGate.value, shape), requiresGradient: A.requiresGradient };
  tape.record([gradient, A, start], () => {
    const dlogGate = tape.empty(shape);
    tape.kernels.gateSumBackward({ dA: tape.gradientOrZero(gradient), start: start.value, chunk, dlogGate });
    tape.give(logGate, dlogGate);
  });
  return { sums: { A: A.value, start: start.value }, A: gradient };
}
