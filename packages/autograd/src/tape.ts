/**
 * The tape: what was computed, in order, so that gradients can be carried back.
 *
 * It is not an array library. A differentiable function calls a kernel, and records beside that call how gradients pass it;
 * see any function of this package for the pattern. Everything that a tape allocates belongs to the backend's scope around
 * it, and the backward pass gives intermediate results back as soon as the last reader is done.
 */

import {
  ConfigError,
  ShapeError,
  type Backend,
  type DType,
  type Kernels,
  type Shape,
  type Tensor,
} from '@sympow/kernels';

/** A tensor with a place on a tape. Parameters and inputs are variables too; they may outlive many tapes. */
export interface Variable {
  readonly value: Tensor;
  /** Whether gradients are wanted here or behind it. */
  readonly requiresGradient: boolean;
}

/** A variable whose gradient is not wanted. */
export function constant(value: Tensor): Variable {
  return { value, requiresGradient: false };
}

/** A leaf whose gradient is wanted: a parameter, or an initial state. */
export function parameter(value: Tensor): Variable {
  return { value, requiresGradient: true };
}

interface Step {
  readonly outputs: readonly Variable[];
  readonly backward: () => void;
}

interface Gradient {
  tensor: Tensor;
  /** The memory is another gradient's too, so nothing may be added in place. */
  shared: boolean;
}

/** Leaves whose gradients somebody waits for. */
interface Watched {
  /** The first step that can add to the gradient of each; none where none does. */
  readonly first: Map<Variable, number>;
  /** Those whose gradients are whole. */
  readonly told: Set<Variable>;
  readonly whole: (leaf: Variable) => void;
}

/** Options of a {@link Tape}. */
export interface TapeOptions {
  /** `false` computes without recording: for evaluation and generation. Default `true`. */
  readonly record?: boolean;
}

/**
 * Records kernels and runs them backwards.
 *
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { Tape, multiply, parameter } from '@sympow/autograd';
 * const backend = await js().open();
 * const x = parameter(backend.upload([3], [1]));
 * const tape = new Tape(backend);
 * const y = multiply(tape, x, x);
 * tape.backward([[y, backend.upload([1], [1])]]);
 * console.log(await tape.gradient(x)!.read()); // Float32Array [6]
 * ```
 */
export class Tape {
  readonly kernels: Kernels;
  readonly recording: boolean;
  private readonly steps: Step[] = [];
  private readonly gradients = new Map<Variable, Gradient>();
  private readonly kept = new Set<Variable>();
  /** What the innermost {@link attempt} under way has allocated. */
  private attempted: Tensor[] | undefined;
  private watched: Watched | undefined;

  constructor(
    readonly backend: Backend,
    { record = true }: TapeOptions = {},
  ) {
    this.kernels = backend.kernels;
    this.recording = record;
  }

  /** A tensor for a result or a gradient; its elements are undefined. */
  empty(shape: Shape, dtype?: DType): Tensor {
    return this.made(this.backend.empty(shape, dtype));
  }

  /** The elements of a tensor under another shape. */
  view(tensor: Tensor, shape: Shape): Tensor {
    return this.made(this.backend.view(tensor, shape));
  }

  private made(tensor: Tensor): Tensor {
    this.attempted?.push(tensor);
    return tensor;
  }

  /** A variable for the result of a function of `inputs`, which `compute` writes; none where that is refused. */
  result(
    shape: Shape,
    inputs: readonly (Variable | undefined)[],
    compute?: (y: Tensor) => void,
    dtype?: DType,
  ): Variable {
    const value = this.empty(shape, dtype);
    try {
      compute?.(value);
    } catch (error) {
      value.dispose();
      throw error;
    }
    return { value, requiresGradient: this.follows(inputs) };
  }

  /**
   * Runs a part of a computation of which nothing stays if it is refused: what it has allocated is given back, and what it
   * has recorded is forgotten.
   */
  attempt<R>(body: () => R): R {
    const outer = this.attempted;
    const own: Tensor[] = (this.attempted = []);
    const { length } = this.steps;
    try {
      const result = body();
      for (const tensor of own) outer?.push(tensor);
      return result;
    } catch (error) {
      for (const tensor of own) tensor.dispose();
      this.steps.length = Math.min(length, this.steps.length);
      for (const [leaf, first] of this.watched?.first ?? [])
        this.watched?.first.set(leaf, first === Infinity ? first : Math.min(first, length));
      throw error;
    } finally {
      this.attempted = outer;
    }
  }

  /** Whether a function of `inputs` has to be recorded. */
  follows(inputs: readonly (Variable | undefined)[]): boolean {
    if (this.watched) {
      const { first } = this.watched;
      for (const input of inputs) if (input && first.get(input) === Infinity) first.set(input, this.steps.length);
    }
    return this.recording && inputs.some((input) => input?.requiresGradient);
  }

  /**
   * Notes how gradients pass from `outputs` to their inputs. `backward` reads {@link gradient} or {@link gradientOrZero} of
   * the outputs and gives each input its share through {@link give}. Not called when no gradient reaches any output.
   */
  record(outputs: readonly Variable[], backward: () => void): void {
    if (this.recording && outputs.some((output) => output.requiresGradient)) this.steps.push({ outputs, backward });
  }

  /**
   * Has `whole` called once for each of these leaves during the next backward pass, when nothing that is left to do adds to its
   * gradient, so that the gradient can be used while the pass goes on. To be called before the leaves are read. The order is that in which
   * a pass comes by, and of leaves that are whole at once their own.
   */
  watch(leaves: Iterable<Variable>, whole: (leaf: Variable) => void): void {
    const first = new Map(Array.from(leaves, (leaf) => [leaf, Infinity] as const));
    this.watched = { first, told: new Set(), whole };
  }

  /** Keeps a variable's value and gradient beyond the backward pass. Leaves are kept anyway. */
  keep<V extends Variable>(variable: V): V {
    this.kept.add(variable);
    return variable;
  }

  /** The gradient that has reached a variable so far, if any. */
  gradient(variable: Variable): Tensor | undefined {
    return this.gradients.get(variable)?.tensor;
  }

  /** {@link gradient}, or zeros where none has come. */
  gradientOrZero(variable: Variable): Tensor {
    const known = this.gradient(variable);
    if (known) return known;
    const tensor = this.empty(variable.value.shape);
    this.kernels.fill({ value: 0, y: tensor });
    this.gradients.set(variable, { tensor, shared: false });
    return tensor;
  }

  /** Adds `tensor`, which the tape owns from here on, to the gradient of `variable`. */
  give(variable: Variable, tensor: Tensor): void {
    this.accumulate(variable, tensor, false);
  }

  /** Adds a tensor that stays with somebody else, such as an output's gradient passed on as it is. */
  share(variable: Variable, tensor: Tensor): void {
    if (variable.requiresGradient) this.accumulate(variable, this.view(tensor, variable.value.shape), true);
  }

  private accumulate(variable: Variable, tensor: Tensor, shared: boolean): void {
    if (!variable.requiresGradient) {
      tensor.dispose();
      return;
    }
    if (this.watched?.told.has(variable)) {
      throw new ConfigError({
        what: 'a leaf that gets a gradient',
        value: 'one that no step was said to read',
        expected: 'its gradient before it is told to be whole',
        remedy: 'Give `result` or `follows` of the tape every variable that a function reads.',
      });
    }
    const known = this.gradients.get(variable);
    if (!known) {
      this.gradients.set(variable, { tensor, shared });
      return;
    }
    const target = known.shared ? this.empty(variable.value.shape) : known.tensor;
    this.kernels.add({ a: known.tensor, b: tensor, y: target });
    if (known.shared) known.tensor.dispose();
    tensor.dispose();
    known.tensor = target;
    known.shared = false;
  }

  /**
   * Carries gradients back from `seeds`, pairs of a variable and the gradient that it starts with, to every leaf.
   *
   * What it passes is given back, except leaves and what was {@link keep | kept}; seeds stay the caller's. Called again, it
   * goes back over what was recorded since and adds to the gradients of the leaves. Where a backend fails on the way, there is
   * no going on with the tape.
   *
   * @throws ConfigError if the tape does not record
   * @throws ShapeError if a seed does not have its variable's shape
   */
  backward(seeds: readonly (readonly [Variable, Tensor])[]): void {
    if (!this.recording)
      throw new ConfigError({ what: 'record of the tape', value: false, expected: 'true for a backward pass' });
    for (const [variable, seed] of seeds) {
      if (seed.shape.join() !== variable.value.shape.join()) {
        throw new ShapeError({
          what: 'the gradient to start from',
          value: seed.shape,
          expected: `[${variable.value.shape.join(', ')}]`,
        });
      }
    }
    this.attempt(() => this.carryBack(seeds));
  }

  private carryBack(seeds: readonly (readonly [Variable, Tensor])[]): void {
    for (const [variable, seed] of seeds) this.share(variable, seed);
    const told = this.wholes();
    told(this.steps.length);
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      if (step.outputs.some((output) => this.gradients.has(output))) step.backward();
      for (const output of step.outputs) this.release(output);
      told(this.steps.length);
    }
    this.watched = undefined;
  }

  /** What tells the gradients that are whole when there are steps left up to a number. */
  private wholes(): (left: number) => void {
    const { watched } = this;
    if (!watched) return () => undefined;
    const { first, told, whole } = watched;
    const last = [...first].sort(([, a], [, b]) => (a === b ? 0 : b - a));
    let at = 0;
    return (left) => {
      for (let next = last[at]; next && next[1] >= left; next = last[++at]) {
        told.add(next[0]);
        whole(next[0]);
      }
    };
  }

  private release(variable: Variable): void {
    if (this.kept.has(variable)) return;
    this.gradients.get(variable)?.tensor.dispose();
    this.gradients.delete(variable);
    variable.value.dispose();
  }

  /**
   * Runs a part of a computation whose intermediate results nobody needs when nothing is recorded: then they are given back
   * at its end, all but what `body` keeps.
   */
  block<R>(body: (keep: (variable: Variable) => Variable) => R): R {
    if (this.recording) return body((variable) => variable);
    return this.backend.scope((keep) =>
      body((variable) => {
        keep(variable.value);
        return variable;
      }),
    );
  }
}
