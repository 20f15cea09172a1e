/**
 * From a WGSL file to the source of one variant of a kernel. The files are WGSL with a few lines of their own, each on a
 * line by itself:
 *
 * - `#import name` puts another file here, once; `name` may be a slot that the launch fills with the file it chooses.
 * - `#if flag`, `#else`, `#endif`: flags are those of the launch, the names of the tensors it passes, and the features of
 *   the device; `!flag` negates.
 * - `#repeat i count` … `#end` repeats its lines with `$i` from 0; `i` is one letter, `count` a number or a constant's name.
 * - `#loop i count` … `#end` does so with a constant `i` in a block of its own; on an adapter that computes on the CPU (flag `software`) it
 *   is a loop, as compiling takes most of the time there and a loop is compiled once.
 * - `#define name` … `#end` keeps its lines for `#put name`, which puts them there: what has to stand in a function of the kernel,
 *   as variables that no other may hold, but is known to the file that it imports.
 * - `override x: u32 = 1;` becomes a constant with the launch's value, so that it can size arrays in registers.
 * - `var<storage, …>` and `var<uniform>` get their group and binding in order of appearance.
 * - Tensors that hold halves are read and written by functions: see `halves.ts`.
 */

import { withHalves, type Halves } from './halves';
import { shaders } from './shaders.gen';

export interface Variant {
  /** Files for the slots that the shader imports. */
  readonly imports?: Readonly<Record<string, string>> | undefined;
  readonly flags?: ReadonlySet<string> | undefined;
  readonly constants?: Readonly<Record<string, number | boolean>> | undefined;
  readonly halves?: Halves | undefined;
}

export type ParameterType = 'u32' | 'i32' | 'f32';

export interface Shader {
  readonly code: string;
  /** Tensors in the order of their bindings; behind the parameters, which come first where there are any. */
  readonly tensors: readonly { readonly name: string; readonly writes: boolean }[];
  /** The fields of `struct Params`, four bytes each. */
  readonly parameters: readonly { readonly name: string; readonly type: ParameterType }[];
}

/** @throws Error for a mistake in a WGSL file or in its launch: no caller of a kernel can cause one */
export function compose(name: string, variant: Variant = {}, sources = shaders): Shader {
  const { halves } = variant;
  const known: Known = { imported: new Set(), defined: new Map() };
  const written = expand(name, variant, sources, known);
  const lines = halves ? [...withHalves(name, written, halves), ...expand('halves', variant, sources, known)] : written;
  const enables = new Set(lines.filter((line) => /^\s*(enable|requires|diagnostic)\b/.test(line)));
  const body = lines.filter((line) => !enables.has(line));
  const parameters = parametersOf(body.join('\n'));
  const tensors: { name: string; writes: boolean }[] = [];
  let binding = 0;
  const bound = [...body.filter(isUniform), ...body.filter((line) => !isUniform(line))].map((line) => {
    const match = /^\s*var<(uniform|storage, (?:read|read_write))> (\w+):/.exec(line);
    if (!match) return line;
    if (match[1] !== 'uniform') tensors.push({ name: match[2]!, writes: match[1] === 'storage, read_write' });
    return `@group(0) @binding(${binding++}) ${line.trim()}`;
  });
  return { code: [...enables, ...bound].join('\n'), tensors, parameters };
}

const isUniform = (line: string): boolean => /^\s*var<uniform>/.test(line);

function parametersOf(code: string): Shader['parameters'] {
  const fields = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
  return [...fields.matchAll(/(\w+): (u32|i32|f32)/g)].map(([, name, type]) => ({
    name: name!,
    type: type as ParameterType,
  }));
}

/** Files that are there already, and what they have defined. */
interface Known {
  readonly imported: Set<string>;
  readonly defined: Map<string, () => readonly string[]>;
}

function expand(name: string, variant: Variant, sources: Readonly<Record<string, string>>, known: Known): string[] {
  const { imports = {}, flags = new Set(), constants = {} } = variant;
  const file = imports[name] ?? name;
  if (known.imported.has(file)) return [];
  known.imported.add(file);
  const source = sources[file];
  if (source === undefined) throw new Error(`there is no ${file}.wgsl`);

  const values = new Map<string, number>();
  const holds = (condition: string): boolean =>
    condition.startsWith('!') ? !holds(condition.slice(1)) : flags.has(condition) || constants[condition] === true;

  const walk = (lines: readonly string[]): string[] => {
    const out: string[] = [];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      const [directive, first = '', second = ''] = line.trim().split(/\s+/);
      if (directive === '#import') {
        out.push(...expand(first, variant, sources, known));
      } else if (directive === '#if') {
        const { then, otherwise, end } = branches(lines, i);
        out.push(...walk(holds(first) ? then : otherwise));
        i = end;
      } else if (directive === '#repeat') {
        const { then, end } = branches(lines, i);
        const count = countOf(second);
        for (let step = 0; step < count; step++)
          out.push(...walk(then.map((each) => each.replaceAll(`$${first}`, String(step)))));
        i = end;
      } else if (directive === '#loop') {
        const { then, end } = branches(lines, i);
        const count = countOf(second);
        const body = walk(then);
        if (flags.has('software'))
          out.push(`for (var ${first} = 0u; ${first} < ${count}u; ${first}++) {`, ...body, '}');
        else for (let step = 0; step < count; step++) out.push('{', `const ${first} = ${step}u;`, ...body, '}');
        i = end;
      } else if (directive === '#define') {
        const { then, end } = branches(lines, i);
        known.defined.set(first, () => walk(then));
        i = end;
      } else if (directive === '#put') {
        const put = known.defined.get(first);
        if (!put) throw new Error(`${file}.wgsl: nothing defines ${first}`);
        out.push(...put());
      } else {
        out.push(constant(line));
      }
    }
    return out;
  };

  const countOf = (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : (constants[text] ?? values.get(text));
    if (typeof value !== 'number') throw new Error(`${file}.wgsl: #repeat needs a number, not ${text}`);
    return value;
  };

  const constant = (line: string): string => {
    const match = /^override (\w+): (\w+)(?: = (.+))?;$/.exec(line.trim());
    if (!match) return line;
    const [, key, type, standard] = match as unknown as [string, string, string, string | undefined];
    const given = constants[key];
    if (given === undefined && standard === undefined) throw new Error(`${file}.wgsl: no value for ${key}`);
    if (given === undefined && /^\d+u?$/.test(standard!)) values.set(key, parseInt(standard!, 10));
    return `const ${key}: ${type} = ${given === undefined ? standard : literal(given, type)};`;
  };

  return walk(source.split('\n'));
}

function literal(value: number | boolean, type: string): string {
  if (type === 'u32') return `${Number(value)}u`;
  if (type === 'f32') return `f32(${value})`;
  return String(value);
}

/** The lines between a directive and its end, split at its `#else`. */
function branches(lines: readonly string[], at: number): { then: string[]; otherwise: string[]; end: number } {
  let depth = 0;
  let middle: number | undefined;
  for (let i = at + 1; i < lines.length; i++) {
    const directive = lines[i]!.trim().split(/\s+/)[0];
    if (directive === '#if' || directive === '#repeat' || directive === '#loop' || directive === '#define') depth++;
    else if (directive === '#else' && depth === 0) middle = i;
    else if (directive === '#endif' || directive === '#end') {
      if (depth-- > 0) continue;
      return { then: lines.slice(at + 1, middle ?? i), otherwise: middle ? lines.slice(middle + 1, i) : [], end: i };
    }
  }
  throw new Error(`${lines[at]} has no end`);
}
