/** Which tensors a call writes and of what shape: read from the kernel's entry and the shapes of its inputs. */

import { embeddedSize } from '@sympow/embedding';
import { entryOf, type AnyEntry, type KernelName, type Shape } from '@sympow/kernels';
import type { Call, CaseArgument, CaseArguments, Numbers } from './api';

/** Gradients of inputs that may be absent. */
const gradientOf: Readonly<Record<string, string>> = { dA: 'gates', dlogGate: 'logGate', dbeta: 'beta' };

export interface Output {
  readonly name: string;
  readonly shape: Shape;
  readonly integer: boolean;
}

export function isNumbers(value: CaseArgument): value is Numbers {
  return typeof value === 'object' && value !== null && 'data' in value;
}

const bare = (name: string): string => name.replace('?', '');

export function writtenLists(kernel: KernelName): readonly string[] {
  return entryOf(kernel).updates ?? [];
}

/** Names of everything that a kernel may write. */
export function writtenNames(kernel: KernelName): readonly string[] {
  return Object.keys(entryOf(kernel).writes).map(bare);
}

/** The outputs of a call: all required ones, and the optional ones that make sense and are not left out. */
export function outputsOf({ kernel, shapes = {}, without = [] }: Call, args: CaseArguments): Output[] {
  const entry = entryOf(kernel);
  const sizes = sizesOf(entry, args);
  return Object.entries(entry.writes).flatMap(([key, axes]): Output[] => {
    const name = bare(key);
    if (without.includes(name)) return [];
    const source = gradientOf[name];
    if (key !== name && source !== undefined && args[source] === undefined) return [];
    const given = args[name];
    const shape = isNumbers(given) ? given.shape : (shapes[name] ?? sizes.resolve(axes));
    if (!shape) {
      if (key !== name) return [];
      throw new Error(`${kernel}: the shape of ${name} [${axes}] does not follow from the inputs`);
    }
    return [{ name, shape, integer: entry.integers?.includes(name) ?? false }];
  });
}

/** Sizes by letter from the inputs of a call, and shapes made from them. */
function sizesOf({ reads }: AnyEntry, args: CaseArguments) {
  const sizes = new Map<string, number>();
  let leading: Shape | undefined;
  let optionalAxis = false;
  for (const [key, axes] of Object.entries(reads)) {
    const value = args[bare(key)];
    const shape = isNumbers(value) ? value.shape : gatesShape(value);
    if (!shape) continue;
    const names = axes.split(' ');
    const rest = names.indexOf('…');
    if (rest >= 0) {
      const free = shape.length - (names.length - 1);
      leading = shape.slice(rest, rest + free);
      names.splice(rest, 1, ...leading.map(() => ''));
    }
    names.forEach((name, i) => {
      const size = shape[i];
      if (name.startsWith('[') && size !== undefined) optionalAxis = true;
      if (size !== undefined) sizes.set(name.replace(/[[\]]/g, ''), size);
    });
  }
  const [d, power, chunk] = [sizes.get('d'), args.power, args.chunk];
  const length = (args.length as number | undefined) ?? sizes.get('T');
  if (d !== undefined) sizes.set('half', d / 2);
  if (d !== undefined && typeof power === 'number') sizes.set('D', embeddedSize(d, power));
  if (length !== undefined && typeof chunk === 'number') sizes.set('n', Math.ceil(length / chunk));
  const resolve = (axes: string): Shape | undefined => {
    const shape = axes.split(' ').flatMap((name) => {
      if (name === '…') return leading ?? [NaN];
      if (name.startsWith('[')) return optionalAxis ? [sizes.get(name.slice(1, -1)) ?? NaN] : [];
      return [/^\d+$/.test(name) ? Number(name) : (sizes.get(name) ?? NaN)];
    });
    return shape.some(Number.isNaN) ? undefined : shape;
  };
  return { resolve };
}

function gatesShape(value: CaseArgument): Shape | undefined {
  return typeof value === 'object' && 'start' in value ? value.start.shape : undefined;
}
