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

type Arguments = Record<string, unknown>;
type Call = (args: Arguments) => void;

/** How a kernel and its backward fit together, from what their entries say. */
interface Plan {
  readonly backward: KernelName;
  readonly integers: readonly string[];
  /** What the backward reads: the gradient of an output of the kernel, or what went into it and came out of it. */
  readonly reads: readonly { readonly name: string; readonly optional: boolean; readonly output: string | undefined }[];
  /** What it writes: gradients of inputs. */
  readonly writes: readonly {
    readonly name: string;
    readonly optional: boolean;
    readonly input: string;
    /** Whether it comes with others or not at all. */
    readonly together: boolean;
  }[];
  /** Arguments of the call that those which come together need. */
  readonly together: readonly string[];
  readonly options: readonly string[];
  /** Outputs that a gradient can reach. */
  readonly reached: readonly string[];
}

const plans = new Map<KernelName, Plan>();

const bare = (name: string): string => name.replace('?', '');
const isVariable = (value: Variable | Tensor): value is Variable => (value as Partial<Variable>).value !== undefined;

/** The one of `names` whose gradient is called `gradient`: `y` or `deltaS` for `dy` and `dDeltaS`. */
function sourceOf(gradient: string, names: readonly string[]): string | undefined {
  return names.find((name) => gradient === `d${name}` || gradient === `d${name[0]!.toUpperCase()}${name.slice(1)}`);
}

function planOf(kernel: Differentiable): Plan {
  const known = plans.get(kernel);
  if (known) return known;
  const backward = `${kernel}Backward` as KernelName;
  const forward = entryOf(kernel);
  const { reads, writes, together = [], options = {} } = entryOf(backward);
  const [inputs, outputs] = [Object.keys(forward.reads).map(bare), Object.keys(forward.writes).map(bare)];
  // The gradient of the sums of gates hangs on a variable of its own.
  if (inputs.includes('gates')) inputs.push('A');
  const argument = (key: string) => ({ name: bare(key), optional: key.endsWith('?') });
  const read = Object.keys(reads).map((key) => ({
    ...argument(key),
    output: inputs.includes(bare(key)) ? undefined : sourceOf(bare(key), outputs),
  }));
  const written = Object.keys(writes).flatMap((key) => {
    const input = sourceOf(bare(key), inputs);
    return input === undefined ? [] : [{ ...argument(key), input, together: together.includes(bare(key)) }];
  });
  const plan: Plan = {
    ...{ backward, integers: forward.integers ?? [], options: Object.keys(options).map(bare) },
    reads: read,
    writes: written,
    together: together.map((name) => written.find((write) => write.name === name)?.input ?? name),
    reached: read.flatMap(({ output }) => output ?? []),
  };
  plans.set(kernel, plan);
  return plan;
}

/**
 * Calls a kernel and records its backward.
 *
 * @param outputs - shapes of what the kernel writes, by name
 * @param options - what it takes beside tensors, and `gates`, whose gradient goes to the input `A`
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
  options?: Readonly<Record<string, unknown>>,
): Record<Output, Variable> {
  const plan = planOf(kernel);
  // Names are added below, which is slow where options were spread.
  const args: Arguments = {};
  if (options) for (const name of Object.keys(options)) args[name] = options[name];
  const variables: Variable[] = [];
  for (const name of Object.keys(inputs)) {
    const given = inputs[name];
    if (!given) continue;
    const variable = isVariable(given);
    args[name] = variable ? given.value : given;
    if (variable) variables.push(given);
  }
  const follows = tape.follows(variables);
  return tape.attempt(() => {
    const results = {} as Record<Output, Variable>;
    const made: Variable[] = [];
    for (const name of Object.keys(outputs) as Output[]) {
      const value = tape.empty(outputs[name], plan.integers.includes(name) ? 'int32' : undefined);
      const result = { value, requiresGradient: follows && plan.reached.includes(name) };
      results[name] = result;
      made.push(result);
      args[name] = value;
    }
    (tape.kernels[kernel] as unknown as Call)(args);
    if (follows) tape.record(made, () => carryBack(tape, plan, inputs, args, results));
    return results;
  });
}

const isWhole = ({ together }: Plan, args: Arguments): boolean => together.every((name) => args[name] !== undefined);

/** Gradients of a call's inputs from those of its results; `args` are those of the call. */
function carryBack(
  tape: Tape,
  plan: Plan,
  inputs: CallInputs,
  args: Arguments,
  results: Readonly<Record<string, Variable>>,
): void {
  const own: Arguments = {};
  for (const name of plan.options) own[name] = args[name];
  for (const { name, optional, output } of plan.reads) {
    const result = output === undefined ? undefined : results[output];
    if (!result) own[name] = args[name];
    else own[name] = optional ? tape.gradient(result) : tape.gradientOrZero(result);
  }
  const made: [Variable | Tensor, Tensor][] = [];
  for (const { name, optional, input, together } of plan.writes) {
    const given = inputs[input];
    if (!given) continue;
    const wanted = together ? isWhole(plan, args) : isVariable(given) && given.requiresGradient;
    if (optional && !wanted) continue;
    const gradient = tape.empty((args[input] as Tensor).shape);
    own[name] = gradient;
    made.push([given, gradient]);
  }
  (tape.kernels[plan.backward] as unknown as Call)(own);
  for (const [given, gradient] of made) {
    if (isVariable(given)) tape.give(given, gradient);
    else gradient.dispose();
  }
}
