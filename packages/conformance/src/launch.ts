/** One call of one kernel on one backend: uploads the inputs, poisons the outputs, runs, and counts memory around it. */

import type { Backend, HalfType, Tensor } from '@sympow/kernels';
import type { Call, CaseArgument, CaseArguments, Numbers } from './api';
import type { TypeOf } from './halves';
import { isNumbers, outputsOf, writtenLists, writtenNames } from './shapes';

/** What int32 outputs hold before the call: a value that no case produces. */
export const sentinel = -1_234_567_891;

export interface Launch {
  /** Written tensors by name; those of a list are called `weights[0]`. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** Tensors that must not change, with what they hold. */
  readonly inputs: ReadonlyMap<string, { readonly tensor: Tensor; readonly numbers: Numbers }>;
  /** Buffers that the kernel itself left behind. */
  readonly leaked: number;
  dispose(): void;
}

export function upload(backend: Backend, { data, shape }: Numbers, half?: HalfType): Tensor {
  return backend.upload(data, shape, data instanceof Int32Array ? 'int32' : (half ?? backend.capabilities.float));
}

/**
 * @param typeOf - which arguments are halves
 * @throws what the kernel throws
 */
export function launch(backend: Backend, call: Call, args: CaseArguments, typeOf: TypeOf = () => undefined): Launch {
  const made: Tensor[] = [];
  const outputs = new Map<string, Tensor>();
  const inputs = new Map<string, { tensor: Tensor; numbers: Numbers }>();
  const place = (name: string, numbers: Numbers): Tensor => {
    const tensor = upload(backend, numbers, typeOf(name));
    made.push(tensor);
    return tensor;
  };
  const dispose = () => made.forEach((tensor) => tensor.dispose());
  const { kernel, alias = {} } = call;
  const written = writtenNames(kernel);
  const aliased = Object.values(alias);
  const updated = writtenLists(kernel);
  const placeInput = (name: string, numbers: Numbers): Tensor => {
    const tensor = place(name, numbers);
    if (!aliased.includes(name)) inputs.set(name, { tensor, numbers });
    return tensor;
  };
  const placeArgument = (name: string, value: CaseArgument): unknown => {
    if (isNumbers(value)) return placeInput(name, value);
    if (Array.isArray(value) && isNumbers(value[0] as CaseArgument)) {
      return (value as readonly Numbers[]).map((numbers, i) => {
        if (!updated.includes(name)) return placeInput(`${name}[${i}]`, numbers);
        const tensor = place(name, numbers);
        outputs.set(`${name}[${i}]`, tensor);
        return tensor;
      });
    }
    if (typeof value !== 'object' || !('start' in value)) return value;
    return { A: placeInput('gates.A', value.A), start: placeInput('gates.start', value.start) };
  };
  try {
    const tensors: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(args)) {
      if (!written.includes(name)) tensors[name] = placeArgument(name, value);
    }
    for (const { name, shape, integer } of outputsOf(call, args)) {
      const source = alias[name];
      const initial = args[name];
      const tensor = source
        ? (tensors[source] as Tensor)
        : place(name, isNumbers(initial) ? initial : poison(shape, integer));
      tensors[name] = tensor;
      outputs.set(name, tensor);
    }
    const before = backend.memory().liveBuffers;
    (backend.kernels[kernel] as (args: object) => void)(tensors);
    return { outputs, inputs, leaked: backend.memory().liveBuffers - before, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function poison(shape: readonly number[], integer: boolean): Numbers {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return { shape, data: integer ? new Int32Array(size).fill(sentinel) : new Float64Array(size).fill(NaN) };
}
