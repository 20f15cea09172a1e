/**
 * The door: every argument of a kernel is checked before the kernel runs. What an entry says is taken apart once, when a
 * backend is made; a call then compares numbers, and hands the sizes that it has read to the kernel.
 */

import { embeddedSize } from '@sympow/embedding';
import type { Backend } from './api';
import { entryOf, type AnyEntry, type KernelName } from './catalogue';
import type { Arguments, GateSums } from './catalogue/entry';
import type { OptionRule } from './catalogue/options';
import { isHalf } from './dtypes';
import { ConfigError, ShapeError } from './errors';
import { refuseDisposed, refuseForeign } from './refusals';
import { axisNames, Sizes } from './sizes';
import type { Shape, Tensor } from './tensor';

const [D, n, half, T, d, H, G] = (['D', 'n', 'half', 'T', 'd', 'H', 'G'] as const).map((name) =>
  axisNames.indexOf(name),
) as [number, number, number, number, number, number, number];
const expectedTypes = {
  int32: 'int32',
  float: 'a float type',
  wide: 'float32 or float64, as this argument must be wide',
} as const;
/** In place of a slot: an axis whose size the entry itself gives. */
const fixed = -1;

interface PlannedAxis {
  readonly name: string;
  readonly slot: number;
  /** Of a fixed one. */
  readonly size: number;
}

interface PlannedTensor {
  readonly name: string;
  /** Which of the two tensors of {@link GateSums} it is. */
  readonly part: keyof GateSums | undefined;
  readonly optional: boolean;
  readonly type: 'float' | 'wide' | 'int32' | 'any';
  readonly writes: boolean;
  /** As the entry writes them. */
  readonly written: string;
  /** Those in front of `…`, or all. */
  readonly axes: readonly PlannedAxis[];
  /** Whether `…` stands among them, and what stands behind it. */
  readonly open: boolean;
  readonly behind: readonly PlannedAxis[];
  /** Whether the last axis may be missing. */
  readonly loose: boolean;
  /** Whether shapes are left to a rule. */
  readonly free: boolean;
}

function planTensor(key: string, written: string, entry: AnyEntry, own: string[], writes: boolean): PlannedTensor[] {
  const optional = key.endsWith('?');
  const name = optional ? key.slice(0, -1) : key;
  const type = typeOf(name, entry);
  if (name === 'gates') {
    const [A] = planTensor('gates.A', `2 ${written}`, entry, own, writes);
    const [start] = planTensor('gates.start', written, entry, own, writes);
    return [
      { ...A!, optional, part: 'A', type: 'wide' },
      { ...start!, optional, part: 'start', type: 'int32' },
    ];
  }
  const names = written.split(' ').map((axis) => axis.replace(/[[\]]/g, ''));
  const rest = names.indexOf('…');
  const axes = names.map((axis) => planAxis(axis, own));
  return [
    {
      name,
      part: undefined,
      optional,
      type,
      writes,
      written,
      axes: rest < 0 ? axes : axes.slice(0, rest),
      open: rest >= 0,
      behind: rest < 0 ? [] : axes.slice(rest + 1),
      loose: written.endsWith(']'),
      free: written === '*',
    },
  ];
}

function typeOf(name: string, { anyType, integers, wide }: AnyEntry): PlannedTensor['type'] {
  if (anyType?.includes(name)) return 'any';
  if (integers?.includes(name)) return 'int32';
  return wide?.includes(name) ? 'wide' : 'float';
}

/** `own` collects the letters that only this kernel knows; their slots stand behind those of {@link axisNames}. */
function planAxis(name: string, own: string[]): PlannedAxis {
  const size = Number(name);
  if (size >= 0 || name === '…' || name === '*') return { name, slot: fixed, size };
  const slot = (axisNames as readonly string[]).indexOf(name);
  if (slot >= 0) return { name, slot, size };
  if (!own.includes(name)) own.push(name);
  return { name, slot: axisNames.length + own.indexOf(name), size };
}

/** The check of one kernel's arguments. */
export class Door {
  readonly tensors: readonly PlannedTensor[];
  /** Whether there were halves among the arguments of the last call. */
  halves = false;
  private readonly options: readonly { name: string; optional: boolean; rule: OptionRule }[];
  readonly lists: readonly string[];
  private readonly wide: readonly string[];
  private readonly together: readonly string[];
  private readonly normalizes: boolean;
  private readonly rule: ((args: Arguments, sizes: Sizes) => void) | undefined;
  private readonly ownAxes: string[] = [];
  /** The axes that `…` stood for in the first tensor of a call that has them. */
  private rest: Shape | undefined;
  private restFrom = 0;
  private restCount = 0;
  /** φ's size is looked up for one pair of d and p at a time, as calls repeat. */
  private known = { d: 0, power: 0, size: 0 };

  constructor(
    private readonly kernel: KernelName,
    private readonly backend: Backend,
  ) {
    const entry = entryOf(kernel);
    this.tensors = [
      ...Object.entries(entry.reads).flatMap(([key, axes]) => planTensor(key, axes, entry, this.ownAxes, false)),
      ...Object.entries(entry.writes).flatMap(([key, axes]) => planTensor(key, axes, entry, this.ownAxes, true)),
    ];
    this.options = Object.entries(entry.options ?? {}).map(([key, rule]) => ({
      name: key.replace('?', ''),
      optional: key.endsWith('?'),
      rule,
    }));
    this.lists = entry.lists ?? [];
    this.wide = entry.wide ?? [];
    this.together = entry.together ?? [];
    this.normalizes = this.options.some(({ name }) => name === 'normalizer');
    this.rule = entry.rule as ((args: Arguments, sizes: Sizes) => void) | undefined;
  }

  check(args: Arguments): Sizes {
    for (const { name, optional, rule } of this.options) {
      const value = args[name];
      if ((value === undefined && optional) || rule.holds(value)) continue;
      throw new ConfigError({ what: `${this.kernel}: ${name}`, value, expected: rule.expected });
    }
    if (this.normalizes && args.normalizer === 'sum' && (args.power as number) % 2 !== 0) this.refuseOdd(args);
    const sizes = new Sizes();
    for (let i = 0; i < this.ownAxes.length; i++) sizes.slots.push(-1);
    this.rest = undefined;
    this.halves = false;
    for (const planned of this.tensors) {
      const value = planned.part ? (args.gates as GateSums | undefined)?.[planned.part] : args[planned.name];
      if (value === undefined && planned.optional) continue;
      this.requireTensor(planned.name, value, planned.type);
      if (!planned.free) this.bind(planned, value.shape, args, sizes);
    }
    const { slots } = sizes;
    if (slots[H]! >= 0 && slots[G]! >= 0 && (slots[G] === 0 || slots[H]! % slots[G]! !== 0)) {
      this.refuse('query heads', slots[H], `a multiple of the ${slots[G]} key/value heads`);
    }
    // Where a state comes before the gates that say what d is.
    if (slots[D]! >= 0 && slots[d]! >= 0 && slots[D] !== this.embedded(slots[d]!, args)) {
      this.refuse('embedded size', slots[D], `${this.embedded(slots[d]!, args)} for d = ${slots[d]}`);
    }
    if (this.lists.length > 0) this.requireLists(args);
    if (this.together.length > 0) this.requireTogether(args);
    this.rule?.(args, sizes);
    return sizes;
  }

  /** Binds a tensor's axes to the sizes of the call. */
  private bind(planned: PlannedTensor, shape: Shape, args: Arguments, sizes: Sizes): void {
    const { axes, behind, open, loose } = planned;
    const free = shape.length - axes.length - behind.length;
    let count = axes.length;
    if (open) {
      if (free < 0) this.refuseShape(planned, shape, `at least ${axes.length + behind.length} axes`);
      this.bindRest(planned, shape, free, sizes);
    } else if (free !== 0) {
      if (!loose || free !== -1) this.refuseShape(planned, shape, `${axes.length} axes [${planned.written}]`);
      count--;
    }
    const { slots } = sizes;
    for (let i = 0; i < count; i++) {
      const axis = axes[i]!;
      // Most axes are bound already, and agree.
      if (axis.slot === fixed || slots[axis.slot] !== shape[i]) this.bindAxis(planned, axis, shape, i, args, slots);
    }
    for (let i = 0; i < behind.length; i++) {
      this.bindAxis(planned, behind[i]!, shape, axes.length + free + i, args, slots);
    }
  }

  private bindAxis(
    planned: PlannedTensor,
    axis: PlannedAxis,
    shape: Shape,
    at: number,
    args: Arguments,
    slots: number[],
  ): void {
    const size = shape[at]!;
    const expected = axis.slot === fixed ? axis.size : this.sizeOf(axis.slot, args, slots);
    if (expected < 0) slots[axis.slot] = size;
    else if (size !== expected)
      this.refuseShape(planned, shape, `[${planned.written}] with ${axis.name} = ${expected}`);
    else if (axis.slot !== fixed) slots[axis.slot] = expected;
  }

  /** A size that is known already or follows from others; below 0 while it does not. */
  private sizeOf(slot: number, args: Arguments, slots: readonly number[]): number {
    if (slots[slot]! >= 0) return slots[slot]!;
    if (slot === T) return args.length === undefined ? -1 : (args.length as number);
    if (slot === half) return slots[d]! < 0 ? -1 : slots[d]! / 2;
    if (slot === D) return slots[d]! < 0 || args.power === undefined ? -1 : this.embedded(slots[d]!, args);
    if (slot === n && args.chunk !== undefined) {
      const length = args.length === undefined ? slots[T]! : (args.length as number);
      return length < 0 ? -1 : Math.ceil(length / (args.chunk as number));
    }
    return -1;
  }

  private bindRest(planned: PlannedTensor, shape: Shape, free: number, sizes: Sizes): void {
    const from = planned.axes.length;
    if (!this.rest) {
      this.rest = shape;
      this.restFrom = from;
      this.restCount = free;
      sizes.rows = 1;
      for (let i = 0; i < free; i++) sizes.rows *= shape[from + i]!;
      return;
    }
    let same = free === this.restCount;
    for (let i = 0; same && i < free; i++) same = shape[from + i] === this.rest[this.restFrom + i];
    if (same) return;
    const bound = this.rest.slice(this.restFrom, this.restFrom + this.restCount).join(', ');
    this.refuseShape(planned, shape, `[${planned.written}] with … = [${bound}]`);
  }

  private embedded(size: number, args: Arguments): number {
    const power = args.power as number;
    if (this.known.d !== size || this.known.power !== power) {
      this.known = { d: size, power, size: embeddedSize(size, power) };
    }
    return this.known.size;
  }

  private requireTensor(name: string, value: unknown, type: PlannedTensor['type']): asserts value is Tensor {
    if (!isTensor(value)) this.refuse(name, value, 'a tensor');
    if (value.disposed) refuseDisposed(`${this.kernel}: ${name}`, value);
    if (value.backend !== this.backend) refuseForeign(`${this.kernel}: ${name}`, value, this.backend);
    const half = isHalf(value.dtype);
    if (half) this.halves = true;
    if (type === 'any') return;
    if ((type === 'int32') !== (value.dtype === 'int32') || (half && type === 'wide')) {
      this.refuse(`dtype of ${name}`, value.dtype, expectedTypes[type]);
    }
  }

  private requireLists(args: Arguments): void {
    const [firstName = ''] = this.lists;
    const first = args[firstName];
    for (const list of this.lists) {
      const tensors = args[list];
      if (!Array.isArray(tensors) || !Array.isArray(first)) this.refuse(list, tensors, 'a list of tensors');
      if (tensors.length !== first.length) {
        this.refuse(`length of ${list}`, tensors.length, `${first.length} tensors as in ${firstName}`);
      }
      for (let i = 0; i < tensors.length; i++) {
        const tensor: unknown = tensors[i];
        this.requireTensor(`${list}[${i}]`, tensor, this.wide.includes(list) ? 'wide' : 'float');
        const { size } = first[i] as Tensor;
        if (tensor.size !== size) this.refuse(`size of ${list}[${i}]`, tensor.size, `${size} as in ${firstName}`);
      }
    }
  }

  private requireTogether(args: Arguments): void {
    const missing = this.together.find((name) => args[name] === undefined);
    if (missing === undefined || this.together.every((name) => args[name] === undefined)) return;
    this.refuse(missing, undefined, `a tensor, as ${this.together.join(', ')} come together`);
  }

  private refuse(what: string, value: unknown, expected: string): never {
    throw new ShapeError({ what: `${this.kernel}: ${what}`, value, expected });
  }

  private refuseShape({ name }: PlannedTensor, shape: Shape, expected: string): never {
    this.refuse(`shape of ${name}`, shape, expected);
  }

  private refuseOdd({ power }: Arguments): never {
    throw new ConfigError({
      what: `${this.kernel}: power`,
      value: power,
      expected: 'an even number with normalizer sum, whose scores must not be negative',
      remedy: 'Use an even power, or normalizer none.',
    });
  }
}

function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' && value !== null && (value as Partial<Tensor>).shape !== undefined && 'handle' in value
  );
}
