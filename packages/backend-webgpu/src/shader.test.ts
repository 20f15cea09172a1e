import { describe, expect, it } from 'vitest';
import { compose } from './shader';

const lines = (...text: string[]) => text.join('\n');
const composed = (sources: Record<string, string>, variant = {}) => compose('main', variant, sources);

describe('compose', () => {
  it('numbers bindings in order, the parameters first', () => {
    const { code, tensors, parameters } = composed({
      main: lines(
        'struct Params {',
        '  size: u32,',
        '  scale: f32,',
        '}',
        'var<storage, read> x: array<f32>;',
        'var<uniform> params: Params;',
        'var<storage, read_write> y: array<f32>;',
      ),
    });
    expect(code).toContain('@group(0) @binding(0) var<uniform> params: Params;');
    expect(code).toContain('@group(0) @binding(1) var<storage, read> x: array<f32>;');
    expect(tensors).toEqual([
      { name: 'x', writes: false },
      { name: 'y', writes: true },
    ]);
    expect(parameters).toEqual([
      { name: 'size', type: 'u32' },
      { name: 'scale', type: 'f32' },
    ]);
  });

  it('imports a file once, and what a slot is filled with', () => {
    const sources = { main: lines('#import slot', '#import shared'), shared: 'fn s() {}', one: '#import shared' };
    expect(composed(sources, { imports: { slot: 'one' } }).code).toBe('fn s() {}');
    expect(() => composed(sources)).toThrow('there is no slot.wgsl');
  });

  it('takes the branch of a flag, nested too', () => {
    const main = lines('#if a', '#if !b', '1', '#else', '2', '#endif', '#else', '3', '#endif');
    const code = (...flags: string[]) => composed({ main }, { flags: new Set(flags) }).code;
    expect([code('a'), code('a', 'b'), code(), code('b')]).toEqual(['1', '2', '3', '3']);
    expect(() => composed({ main: '#if a' })).toThrow('#if a has no end');
  });

  it('turns overrides into constants and counts repeats with them', () => {
    const main = lines('override n: u32 = 2;', 'override s: f32;', '#repeat i n', 'x[$i] = $iu;', '#end');
    expect(composed({ main }, { constants: { s: 0.5 } }).code).toBe(
      lines('const n: u32 = 2;', 'const s: f32 = f32(0.5);', 'x[0] = 0u;', 'x[1] = 1u;'),
    );
    expect(composed({ main }, { constants: { s: 1, n: 1 } }).code).toContain(
      'const n: u32 = 1u;\nconst s: f32 = f32(1);\nx[0]',
    );
    expect(() => composed({ main })).toThrow('no value for s');
  });

  it('makes a loop where a shader is compiled for a CPU, and blocks elsewhere', () => {
    const main = lines('#loop i 2', '#if a', 'x[i] = 1;', '#endif', '#end');
    const blocks = lines('{', 'const i = 0u;', 'x[i] = 1;', '}', '{', 'const i = 1u;', 'x[i] = 1;', '}');
    expect(composed({ main }, { flags: new Set(['a']) }).code).toBe(blocks);
    expect(composed({ main }, { flags: new Set(['a', 'software']) }).code).toBe(
      lines('for (var i = 0u; i < 2u; i++) {', 'x[i] = 1;', '}'),
    );
  });

  it('puts lines where they are wanted that another file has defined', () => {
    const tile = lines('override n: u32 = 2;', '#define sums', '#repeat i n', 'var sum$i: f32;', '#end', '#end');
    const main = lines('#import tile', 'fn main() {', '#put sums', '}');
    expect(composed({ main, tile }).code).toBe(
      lines('const n: u32 = 2;', 'fn main() {', 'var sum0: f32;', 'var sum1: f32;', '}'),
    );
    expect(() => composed({ main: '#put sums' })).toThrow('nothing defines sums');
  });

  it('brings what enables a feature to the top', () => {
    const main = lines('const a = 1;', 'enable f16;');
    expect(composed({ main }).code).toBe(lines('enable f16;', 'const a = 1;'));
  });
});

describe('tensors of halves', () => {
  const main = lines(
    'alias Stored = vec4<f32>;',
    'var<storage, read> x: array<Stored>;',
    'var<storage, read> scale: array<f32>;',
    'var<storage, read_write> y: array<Stored>;',
    'fn own(x: u32) -> u32 {',
    '  return x[0];',
    '}',
    'fn main() {',
    '  y[ids[x[i].x]] = x[i] * scale[i] + y[i];',
    '}',
  );
  const sources = { main, halves: 'fn from_float16() {}' };

  it('are read and written by functions, but not where the name is a local one', () => {
    const { code } = composed(sources, { halves: { x: 'float16', y: 'bfloat16' } });
    expect(code).toContain('var<storage, read> x: array<vec2<u32>>;');
    expect(code).toContain('var<storage, read> scale: array<f32>;');
    expect(code).toContain('put_into_y(ids[element_of_x(i).x], element_of_x(i) * scale[i] + element_of_y(i));');
    expect(code).toContain('return vec4<f32>(from_float16(x[i].x), from_float16(x[i].y));');
    expect(code).toContain('y[i] = vec2<u32>(to_bfloat16(value.xy), to_bfloat16(value.zw));');
    expect(code).toContain('  return x[0];');
  });

  it('share a word where elements are single numbers', () => {
    const { code } = composed(sources, { halves: { scale: 'float16' } });
    expect(code).toContain('var<storage, read> scale: array<u32>;');
    expect(code).toContain('return from_float16(scale[i / 2u])[i % 2u];');
  });

  it('refuse elements of other kinds', () => {
    const odd = { ...sources, main: 'var<storage, read> x: array<vec3<f32>>;' };
    expect(() => composed(odd, { halves: { x: 'float16' } })).toThrow(/x of vec3<f32> cannot hold halves/);
  });
});
