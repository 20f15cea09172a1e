/** The parts of a network that carry weights: linear maps and norms; and the loss at its end. */

import type { LinearActivation, NormLinearArgs, Tensor } from '@sympow/kernels';
import { add } from './arithmetic';
import { call } from './call';
import type { Tape, Variable } from './tape';

/** x Wᵀ + b: x [rows…, in], weight [out, in], bias [out]. What it makes is of the backend's own float, whatever it is made of. */
export function linear(tape: Tape, x: Variable, weight: Variable, bias?: Variable): Variable {
  const [out, inputs] = weight.value.shape as [number, number];
  const rows = x.value.size / inputs;
  const { kernels, backend } = tape;
  const y = tape.result([...x.value.shape.slice(0, -1), out], [x, weight, bias], (product) =>
    kernels.matmul({ a: x.value, b: weight.value, bias: bias?.value, transposeB: true, y: product }),
  );
  tape.record([y], () => {
    const dy = tape.gradientOrZero(y);
    if (x.requiresGradient) {
      const dx = tape.empty(x.value.shape);
      kernels.matmul({ a: dy, b: weight.value, y: dx });
      tape.give(x, dx);
    }
    if (weight.requiresGradient) {
      const dweight = tape.empty(weight.value.shape);
      backend.scope(() => {
        kernels.matmul({
          a: backend.view(dy, [rows, out]),
          b: backend.view(x.value, [rows, inputs]),
          transposeA: true,
          y: dweight,
        });
      });
      tape.give(weight, dweight);
    }
    if (bias?.requiresGradient) {
      const dbias = tape.empty(bias.value.shape);
      kernels.sumRows({ x: dy, y: dbias });
      tape.give(bias, dbias);
    }
  });
  return y;
}

/** What a norm is made of. Without a weight the numbers are only scaled (and, for layer norm, centred). */
export interface NormParameters {
  readonly kind: 'layer' | 'rms';
  readonly weight?: Variable | undefined;
  /** Layer norm only. */
  readonly bias?: Variable | undefined;
  /** Added to the variance or mean square; default 1e-5. */
  readonly eps?: number;
}

/** Layer norm or RMS norm over the last axis. */
export function norm(tape: Tape, x: Variable, { kind, weight, bias, eps = 1e-5 }: NormParameters): Variable {
  const kernel = kind === 'layer' ? 'layerNorm' : 'rmsNorm';
  return call(tape, kernel, { x, weight, bias }, { y: x.value.shape }, { eps }).y;
}

/** A linear map with what follows it: f(x Wᵀ + b); nothing follows it in {@link addLinear}. */
export interface MapParameters {
  /** [out, in] */
  readonly weight: Variable;
  /** [out] */
  readonly bias?: Variable | undefined;
  readonly activation?: LinearActivation | undefined;
}

/** Maps that one call of the kernel takes. */
const mostMaps = 5;

/**
 * Maps of what a norm gives: x [rows…, in] → [rows…, out] for each map. A tape that does not record has one kernel for all, for which
 * the normalised numbers need not exist.
 */
export function normLinear(
  tape: Tape,
  x: Variable,
  parameters: NormParameters,
  maps: readonly MapParameters[],
): Variable[] {
  return tape.attempt(() => {
    if (tape.recording) {
      const h = norm(tape, x, parameters);
      return maps.map(({ weight, bias, activation }) => {
        const y = linear(tape, h, weight, bias);
        return activation ? call(tape, activation, { x: y }, { y: y.value.shape }).y : y;
      });
    }
    const { kind, weight, bias, eps = 1e-5 } = parameters;
    const results = maps.map((map) => tape.result([...x.value.shape.slice(0, -1), map.weight.value.shape[0]!], []));
    for (let first = 0; first < maps.length; first += mostMaps) {
      const args: Record<string, unknown> = { kind, x: x.value, normWeight: weight?.value, normBias: bias?.value, eps };
      maps.slice(first, first + mostMaps).forEach((map, i) => {
        args[`weight${i}`] = map.weight.value;
        args[`bias${i}`] = map.bias?.value;
        args[`activation${i}`] = map.activation;
        args[`y${i}`] = results[first + i]!.value;
      });
      tape.kernels.normLinear(args as unknown as NormLinearArgs);
    }
    return results;
  });
}

/**
 * sum + x Wᵀ + b: sum [rows…, out], x [rows…, in]. A tape that does not record writes it into `sum` itself, which a residual stream
 * does not need afterwards.
 */
export function addLinear(tape: Tape, sum: Variable, x: Variable, { weight, bias }: MapParameters): Variable {
  if (tape.recording) return tape.attempt(() => add(tape, sum, linear(tape, x, weight, bias)));
  const product = { a: x.value, b: weight.value, bias: bias?.value, transposeB: true };
  tape.kernels.matmul({ accumulate: true, y: sum.value, ...product });
  return sum;
}

/** Cross-entropy of each row in nats, 0 where the target is negative: logits [rows…, V], targets [rows…] int32 → [rows…]. */
export function crossEntropy(tape: Tape, logits: Variable, targets: Tensor): Variable {
  return call(tape, 'crossEntropy', { logits, targets }, { loss: targets.shape }).loss;
}

/** What {@link linearCrossEntropy} may be told. */
export interface LinearCrossEntropyOptions {
  /**
   * [rows…]: the gradient that the losses will be given, where it is known beforehand. The gradients of x, weight and bias then
   * come out of the pass that makes the losses, which saves a product. It has to stay as it is until the backward pass; another
   * gradient is right as well, and costs that product again.
   */
  readonly gradient?: Tensor | undefined;
}

/**
 * Cross-entropy of x Wᵀ + b in nats, as {@link crossEntropy} of {@link linear}, without logits of all rows at once: x [rows…, n],
 * weight [V, n], bias [V], targets [rows…] int32 → [rows…].
 */
export function linearCrossEntropy(
  tape: Tape,
  x: Variable,
  weight: Variable,
  bias: Variable | undefined,
  targets: Tensor,
  { gradient }: LinearCrossEntropyOptions = {},
): Variable {
  const { kernels } = tape;
  const follows = tape.follows([x, weight, bias]);
  const like = (variable: Variable | undefined) =>
    variable?.requiresGradient ? tape.empty(variable.value.shape) : undefined;
  const outputs = () => ({ dx: like(x), dweight: like(weight), dbias: like(bias) });
  const args = { x: x.value, weight: weight.value, bias: bias?.value, targets };
  const backward = (dloss: Tensor, { dx, dweight, dbias }: ReturnType<typeof outputs>, loss?: Tensor) =>
    kernels.linearCrossEntropyBackward({ dloss, dx, dweight, dbias, loss, ...args });
  const [known, loss] = tape.attempt(() => {
    const made = follows && gradient ? { dloss: gradient, ...outputs() } : undefined;
    const out = tape.result(targets.shape, [x, weight, bias]);
    if (made) backward(made.dloss, made, out.value);
    else kernels.linearCrossEntropy({ loss: out.value, ...args });
    return [made, out];
  });
  tape.record([loss], () => {
    const dloss = tape.gradientOrZero(loss);
    const gradients = known ?? outputs();
    if (known?.dloss.handle !== dloss.handle) backward(dloss, gradients);
    const { dx, dweight, dbias } = gradients;
    if (dx) tape.give(x, dx);
    if (dweight) tape.give(weight, dweight);
    if (bias && dbias) tape.give(bias, dbias);
  });
  return loss;
}
