/**
 * Any kernel of the catalogue that has a backward, differentiated: what `XBackward` reads and writes is known by its names, `dy` for
 * an output `y`, `dx` for an input `x`.
 */

import { entryOf, type KernelName, type Shape, type Tensor } from '@sympow/kernels';
import type { Tape, Variable } from './tape';

/** Kernels that have a backward. */
export type Differentiable = {
  [K in KernelName]: `${K}Backward` extends KernelName ? K : never;
}[KernelName];

/** Tensors by argument: variables where gradients may be wanted. */
export type CallInputs = Readonly<Record<string, Variable | Tensor | undefined>>;

type Call = (args: Readonly<Record<string, unknown>>) => void;

const bare = (name: string): string => name.replace('?', '');
const isVariable = (value: Variable | Tensor): value is Variable => 'value' in value;

/** The one of `names` whose gradient is called `gradient`: `y` or `deltaS` for `dy` and `dDeltaS`. */
function sourceOf(gradient: string, names: readonly string[]): string | undefined {
  return names.find((name) => gradient === `d${name}` || gradient === `d${name[0]!.toUpperCase()}${name.slice(1)}`);
}

/**
 * Calls a kernel and records its backward.
 *
 * @param outputs - shapes of what the kernel writes, by name
 * @param options - what it takes beside tensors
 * @throws what the kernel throws; nothing is left behind then
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { call, parameter, Tape } from '@sympow/autograd';
 * const backend = await js().open();
 * const x = parameter(backend.upload([0], [1]));
 * const tape = new Tape(backend);
 * const { y } = call(tape, 'silu', { x }, { y: [1] });
 * tape.backward([[y, backend.upload([1], [1])]]);
 * console.log(await tape.gradient(x)!.read()); // Float32Array [0.5]
 * ```
 */
export function call<Output extends string>(
  tape: Tape,
  kernel: Differentiable,
  inputs: CallInputs,
  outputs: Readonly<Record<Output, Shape>>,
  options: Readonly<Record<string, unknown>> = {},
): Record<Output, Variable> {
  const backward = `${kernel}Backward` as KernelName;
  const { integers = [] } = entryOf(kernel);
  const { reads, writes, together = [], options: known = {} } = entryOf(backward);
  const given = Object.entries(inputs).filter((entry): entry is [string, Variable | Tensor] => entry[1] !== undefined);
  const variables = new Map(given.filter((entry): entry is [string, Variable] => isVariable(entry[1])));
  const tensors: Record<string, Tensor> = {};
  for (const [name, value] of given) tensors[name] = isVariable(value) ? value.value : value;
  const follows = tape.follows([...variables.values()]);
  const names = Object.keys(outputs) as Output[];
  const seeded = new Map<string, Output>();
  for (const key of Object.keys(reads)) {
    const output = bare(key) in tensors ? undefined : sourceOf(bare(key), names);
    if (output) seeded.set(key, output as Output);
  }
  return tape.attempt(() => {
    const results = {} as Record<Output, Variable>;
    for (const name of names) {
      const value = tape.empty(outputs[name], integers.includes(name) ? 'int32' : undefined);
      results[name] = { value, requiresGradient: follows && [...seeded.values()].includes(name) };
      tensors[name] = value;
    }
    (tape.kernels[kernel] as unknown as Call)({ ...options, ...tensors });
    tape.record(Object.values(results), () => {
      const args: Record<string, unknown> = {};
      for (const key of Object.keys(known)) args[bare(key)] = options[bare(key)];
      for (const key of Object.keys(reads)) {
        const output = seeded.get(key);
        if (!output) args[bare(key)] = tensors[bare(key)];
        else
          args[bare(key)] = key.endsWith('?') ? tape.gradient(results[output]) : tape.gradientOrZero(results[output]);
      }
      const made: [string, Tensor][] = [];
      for (const key of Object.keys(writes)) {
        const input = sourceOf(bare(key), Object.keys(tensors));
        if (input === undefined) continue;
        const wanted = variables.get(input)?.requiresGradient === true || together.includes(bare(key));
        if (key.endsWith('?') && !wanted) continue;
        const gradient = tape.empty(tensors[input]!.shape);
        args[bare(key)] = gradient;
        made.push([input, gradient]);
      }
      (tape.kernels[backward] as unknown as Call)(args);
      for (const [input, gradient] of made) {
        const variable = variables.get(input);
        if (variable) tape.give(variable, gradient);
        else gradient.dispose();
      }
    });
    return results;
  });
}
