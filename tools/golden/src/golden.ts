// What a golden file is made of and how an error is judged.
import { constant, sliceRows, Tape, type Variable } from '@sympow/autograd';
import type { WebGpuBackend } from '@sympow/backend-webgpu';
import type { Backend, Tensor } from '@sympow/kernels';
import type { AttentionInputs, Memory, Recurrence } from '@sympow/recurrence';
import type { Safetensors } from '@sympow/safetensors';

/** One number to judge: how far a result is from the golden one, and how far it may be. */
export interface Quantity {
  readonly name: string;
  /** ‖ours − golden‖ / ‖golden‖, or NaN. */
  readonly error: number;
  readonly limit: number;
}

/** A golden tensor in full precision. */
export interface Golden {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** What a case of a recurrence says of its sizes. */
export interface CaseSizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
}

/** Tensors by the names that the file has for them. */
export type Results = Readonly<Record<string, Tensor>>;

export function goldenTensor(file: Safetensors, name: string): Golden | undefined {
  const tensor = file.tensors.get(name);
  return tensor && { shape: tensor.shape, data: tensor.toFloat64() };
}

export function upload(backend: Backend, { data, shape }: Golden): Tensor {
  return backend.upload(data, shape);
}

/** Has what `body` launches compiled side by side beforehand, where a backend can; most of the time on a software GPU goes there. */
export async function compileAhead(backend: Backend, body: () => void): Promise<void> {
  await (backend as Backend & Partial<Pick<WebGpuBackend, 'warmUp'>>).warmUp?.(() => backend.scope(body));
}

/** Results as all that is left of `body`. */
export function resultsOf(backend: Backend, body: () => Results): Results {
  return backend.scope((keep) =>
    Object.fromEntries(Object.entries(body()).map(([name, tensor]) => [name, keep(tensor)])),
  );
}

/** What a recurrence answers token by token [B, T, H, e], while `memory` takes them in. */
export function answersByToken<M extends Memory>(
  backend: Backend,
  { B, T, H, e }: CaseSizes,
  { q, k, v, logGate, phases, own = {} }: AttentionInputs,
  recurrence: Pick<Recurrence<M>, 'stream'>,
  memory: M,
): Tensor {
  const y = backend.empty([B, T, H, e]);
  for (let t = 0; t < T; t++) {
    backend.scope(() => {
      const tape = new Tape(backend, { record: false });
      const token = (x: Variable) => constant(sliceRows(tape, x, t, 1).value);
      const step = {
        ...{ q: token(q), k: token(k), v: token(v), logGate: logGate && token(logGate) },
        phases: phases && { ...phases, beta: phases.beta && token(phases.beta) },
        // What is not of tokens is of heads, and as it was.
        own: Object.fromEntries(Object.entries(own).map(([key, x]) => [key, x.value.shape.length > 2 ? token(x) : x])),
      };
      backend.kernels.copyBlock({ x: recurrence.stream(tape, step, memory).value, to: t, count: 1, y });
    });
  }
  return y;
}

/** Outputs by name, and the gradients of leaves from those that the file has for the outputs. */
export function withGradients(
  tape: Tape,
  file: Safetensors,
  name: string,
  outputs: Readonly<Record<string, Variable>>,
  leaves: Readonly<Record<string, Variable>>,
): Results {
  for (const variable of Object.values(outputs)) tape.keep(variable);
  const seeds = Object.entries(outputs).flatMap(([output, variable]) => {
    const seed = goldenTensor(file, `${name}.d${output}`);
    return seed ? [[variable, upload(tape.backend, seed)] as const] : [];
  });
  tape.backward(seeds);
  return {
    ...Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value])),
    ...Object.fromEntries(Object.entries(leaves).map(([key, leaf]) => [`grad_${key}`, tape.gradientOrZero(leaf)])),
  };
}

/** The results of one way of a case beside those of the file. */
export function judge(
  file: Safetensors,
  name: string,
  way: string,
  results: Results,
  limit: (quantity: string) => number,
): Promise<Quantity[]> {
  return Promise.all(
    Object.entries(results).map(async ([quantity, tensor]) => ({
      name: `${name}.${way}.${quantity}`,
      error: await errorOf(tensor, goldenTensor(file, `${name}.${quantity}`)!),
      limit: limit(quantity),
    })),
  );
}

/** Relative RMS error of a tensor against a golden one. */
export async function errorOf(tensor: Tensor, { data, shape }: Golden): Promise<number> {
  if (tensor.shape.join() !== shape.join()) return NaN;
  return relativeError(await tensor.read(), data);
}

export function relativeError(ours: ArrayLike<number>, golden: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < golden.length; i++) {
    difference += (ours[i]! - golden[i]!) ** 2;
    size += golden[i]! ** 2;
  }
  return size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
}
