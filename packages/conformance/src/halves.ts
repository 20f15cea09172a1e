/** Cases over again with float16 and bfloat16 in place of every argument that need not be wide. */

import { entryOf, fromHalves, toHalves, type DType, type HalfType, type Kernels } from '@sympow/kernels';
import type { Call, CaseArgument, CaseArguments, Numbers } from './api';
import { isNumbers, writtenNames } from './shapes';

/** Which types the arguments get: all the same, or one after the other float16, bfloat16 and the backend's own float. */
export type Halves = HalfType | 'mixed';

const allHalves: readonly Halves[] = ['float16', 'bfloat16', 'mixed'];

/** The type of an argument, undefined for the backend's own float or for int32. */
export type TypeOf = (name: string) => HalfType | undefined;

const bare = (name: string): string => name.replace('?', '');

/** Names of the arguments of a kernel that may be halves, a list's by the name of the list. */
export function narrowNames(kernel: keyof Kernels): readonly string[] {
  const { reads, writes, lists = [], integers = [], wide = [] } = entryOf(kernel);
  const names = [...Object.keys(reads), ...Object.keys(writes)].map(bare);
  return [...names, ...lists].filter((name) => name !== 'gates' && !integers.includes(name) && !wide.includes(name));
}

export function typesOf(kernel: keyof Kernels, halves: Halves): TypeOf {
  const names = narrowNames(kernel);
  return (name) => {
    const at = names.indexOf(name.replace(/\[.*/, ''));
    if (at < 0) return undefined;
    return halves === 'mixed' ? (['float16', 'bfloat16', undefined] as const)[at % 3] : halves;
  };
}

/** The ways in which a kernel's arguments may be halves. Rows are copied within one type. */
export function halvesOf(kernel: keyof Kernels): readonly Halves[] {
  const count = narrowNames(kernel).length;
  return allHalves.filter((halves) => (halves === 'mixed' ? count > 1 && kernel !== 'copyBlock' : count > 0));
}

/** Whether a backend stores what they need. */
export function storesHalves(dtypes: readonly DType[], halves: Halves): boolean {
  return (['float16', 'bfloat16'] as const).every((type) => dtypes.includes(type) || ![type, 'mixed'].includes(halves));
}

export function rounded(type: HalfType | undefined, { shape, data }: Numbers): Numbers {
  if (!type || data instanceof Int32Array) return { shape, data };
  return { shape, data: Float64Array.from(fromHalves(type, toHalves(type, data))) };
}

/** The same arguments, rounded to their types. Undefined where one of them leaves the range of its type. */
export function roundedArguments(args: CaseArguments, typeOf: TypeOf): CaseArguments | undefined {
  let inside = true;
  const round = (name: string, value: CaseArgument): CaseArgument => {
    if (isNumbers(value)) {
      const numbers = rounded(typeOf(name), value);
      inside &&= value.data.every((x, i) => !Number.isFinite(x) || Number.isFinite(numbers.data[i]));
      return numbers;
    }
    if (Array.isArray(value) && isNumbers(value[0] as CaseArgument)) {
      return (value as readonly Numbers[]).map((numbers) => round(name, numbers) as Numbers);
    }
    return value;
  };
  const result = Object.fromEntries(Object.entries(args).map(([name, value]) => [name, round(name, value)]));
  return inside ? result : undefined;
}

/** The type that an output has: that of its input where it is the same tensor. */
export function outputType(call: Call, output: string, typeOf: TypeOf): HalfType | undefined {
  return writtenNames(call.kernel).includes(output) ? typeOf(call.alias?.[output] ?? output) : undefined;
}
