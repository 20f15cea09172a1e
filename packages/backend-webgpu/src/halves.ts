/**
 * Tensors of float16 and bfloat16 in shaders that are written for float32: the array becomes one of words with two halves each, what
 * reads an element calls a function, and so does what writes one. Writing takes elements that are vectors: two threads cannot
 * write into one word.
 */

import type { HalfType } from '@sympow/kernels';

/** What a shader's tensor holds, by its name; those that are not named hold what the shader says. */
export type Halves = Readonly<Record<string, HalfType>>;

/** How an element of the shader's type lies in words, and is read and written; `h` converts a word. */
const layouts = {
  f32: { words: 'u32', read: 'h(x[i / 2u])[i % 2u]', write: undefined },
  'vec2<f32>': { words: 'u32', read: 'h(x[i])', write: 'h(value)' },
  'vec4<f32>': {
    words: 'vec2<u32>',
    read: 'vec4<f32>(h(x[i].x), h(x[i].y))',
    write: 'vec2<u32>(h(value.xy), h(value.zw))',
  },
} as const;

const declaration = /^(\s*var<storage, (read|read_write)> (\w+): array<)(.+)(>;)$/;

/** The lines of a shader with its tensors of halves. @throws Error where a shader cannot hold them */
export function withHalves(file: string, lines: readonly string[], halves: Halves): string[] {
  const names = Object.keys(halves).filter((name) => lines.some((line) => declaration.exec(line)?.[3] === name));
  if (names.length === 0) return [...lines];
  const body = functionsOf(lines).flatMap((each) => {
    // A function's own variables and parameters are no tensors.
    const own = names.filter(
      (name) => !each.some((line) => new RegExp(`\\b(let|var) ${name}\\b|[(,] ?${name}:`).test(line)),
    );
    return own.length > 0 ? each.map((line) => rewritten(file, line, own)) : each;
  });
  const accessors: string[] = [];
  const declared = body.map((line) => {
    const [, before, access, name, type, after] = declaration.exec(line) ?? [];
    const half = halves[name ?? ''];
    if (!half) return line;
    const element = resolved(type!, lines);
    const layout = layouts[element as keyof typeof layouts];
    if (!layout) throw new Error(`${file}.wgsl: ${name} of ${type} cannot hold halves`);
    const read = layout.read.replaceAll('h(', `from_${half}(`).replaceAll('x[', `${name}[`);
    accessors.push(`fn element_of_${name}(i: u32) -> ${element} {`, `  return ${read};`, '}');
    if (access === 'read_write' && layout.write) {
      const write = layout.write.replaceAll('h(', `to_${half}(`);
      accessors.push(`fn put_into_${name}(i: u32, value: ${element}) {`, `  ${name}[i] = ${write};`, '}');
    }
    return `${before}${layout.words}${after}`;
  });
  return [...declared, ...accessors];
}

/** The lines in pieces, of which none holds parts of two functions. */
function functionsOf(lines: readonly string[]): string[][] {
  let piece: string[] = [];
  const pieces = [piece];
  for (const line of lines) {
    piece.push(line);
    if (line.startsWith('}')) pieces.push((piece = []));
  }
  return pieces;
}

/** The type that an alias stands for. */
function resolved(type: string, lines: readonly string[]): string {
  const alias = lines.map((line) => /^\s*alias (\w+) = (.+);$/.exec(line)).find((match) => match?.[1] === type);
  return alias ? alias[2]! : type;
}

/** A line whose elements of `names` are read and written by functions. */
function rewritten(file: string, line: string, names: readonly string[]): string {
  const use = new RegExp(`\\b(${names.join('|')})\\[`).exec(line);
  if (!use) return line;
  const [start, from] = [use.index, use.index + use[0].length];
  const to = closing(file, line, from);
  const [before, index] = [line.slice(0, start), rewritten(file, line.slice(from, to), names)];
  const assigned = /^ = (.*);$/.exec(line.slice(to + 1));
  if (assigned && before.trim() === '') {
    return `${before}put_into_${use[1]}(${index}, ${rewritten(file, assigned[1]!, names)});`;
  }
  return `${before}element_of_${use[1]}(${index})${rewritten(file, line.slice(to + 1), names)}`;
}

function closing(file: string, line: string, from: number): number {
  let depth = 1;
  for (let i = from; i < line.length; i++) {
    if (line[i] === '[') depth++;
    else if (line[i] === ']' && --depth === 0) return i;
  }
  throw new Error(`${file}.wgsl: an index goes on in the next line: ${line}`);
}
