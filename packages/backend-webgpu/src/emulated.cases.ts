// Matrix units in plain WGSL, for devices that have none: a subgroup is 32 threads that follow each other, a matrix of sums is eight numbers
// in each of them, and halves lie in words of two. It is slow and needs no feature, so that SwiftShader can compute what the shaders for
// matrix units would. A thread has half a row: of the first operand it loads the row, of the second half its columns.

const type = { left: 'array<f32, 16>', right: 'array<f32, 128>', result: 'array<f32, 8>' } as const;

const helpers = `
fn emulated_halves(x: vec4<f32>) -> vec2<u32> {
  return vec2<u32>(pack2x16float(x.xy), pack2x16float(x.zw));
}
fn emulated_multiply(a: ${type.left}, b: ${type.right}, sums: ${type.result}) -> ${type.result} {
  var y = sums;
  for (var k = 0u; k < 16u; k++) {
    for (var j = 0u; j < 8u; j++) {
      y[j] += a[k] * b[8u * k + j];
    }
  }
  return y;
}
fn emulated_scale(sums: ${type.result}, factor: f32) -> ${type.result} {
  var y = sums;
  for (var j = 0u; j < 8u; j++) {
    y[j] *= factor;
  }
  return y;
}
var<workgroup> emulated_numbers: array<vec2<f32>, threads>;
fn emulated_most(x: vec2<f32>, thread: u32) -> vec2<f32> {
  workgroupBarrier();
  emulated_numbers[thread] = x;
  workgroupBarrier();
  var most = x;
  for (var i = 0u; i < 32u; i++) {
    most = max(most, emulated_numbers[thread / 32u * 32u + i]);
  }
  return most;
}`;

const half = (from: string, at: string): string => `unpack2x16float(${from}[(${at}) / 2u])[(${at}) % 2u]`;

/** Splits arguments at the commas between them. */
function argumentsOf(text: string): string[] {
  const found = [''];
  let depth = 0;
  for (const letter of text) {
    if ('(['.includes(letter)) depth++;
    if (')]'.includes(letter)) depth--;
    if (letter === ',' && depth === 0) found.push('');
    else found[found.length - 1] += letter;
  }
  return found.map((each) => each.trim());
}

function load(target: string, side: 'left' | 'right', byRows: boolean, list: string): string {
  const [from, start, stride] = argumentsOf(list) as [string, string, string];
  const [row, column, count] =
    side === 'left' ? ['(lane / 2u)', 'e', 16] : ['(e / 8u)', '(lane % 2u * 8u + e % 8u)', 128];
  const at = byRows ? `${row} * (${stride}) + ${column}` : `${column} * (${stride}) + ${row}`;
  return `for (var e = 0u; e < ${count}u; e++) { let at = (${start}) + ${at}; ${target}[e] = ${half(from.replace(/^&/, ''), 'at')}; }`;
}

function store(list: string): string {
  const [to, start, sums, stride] = argumentsOf(list) as [string, string, string, string];
  return `for (var e = 0u; e < 8u; e++) { ${to.replace(/^&/, '')}[(${start}) + lane / 2u * (${stride}) + lane % 2u * 8u + e] = ${sums}[e]; }`;
}

/** Shaders without matrices stay what they are. */
export function withoutMatrixUnits(code: string): string {
  if (!code.includes('subgroup_matrix')) return code;
  const lines = code.split('\n').filter((line) => !/^\s*(enable|diagnostic)\b/.test(line));
  const body = lines
    .map((line) =>
      line
        .replace(
          /^(\s*)(?:let )?(\w+) = subgroupMatrixLoad<subgroup_matrix_(left|right)<f16, 16, 16>, (row|col)_major>\((.*)\);$/,
          (all, space: string, target: string, side: 'left' | 'right', major: string, list: string) =>
            `${space}${all.includes('let ') ? `var ${target}: ${type[side]}; ` : ''}${load(target, side, major === 'row', list)}`,
        )
        .replace(/subgroupMatrixStore<row_major>\((.*)\);$/, (_, list: string) => store(list))
        .replace(
          /subgroup_matrix_(left|right|result)<f\d+, 16, 16>/,
          (_, side: 'left' | 'right' | 'result') => type[side],
        )
        .replace('subgroupMatrixMultiplyAccumulate', 'emulated_multiply')
        .replace('subgroupMatrixScalarMultiply', 'emulated_scale')
        .replace(/\bsize = subgroupMax\(size\)/, 'size = EMULATED_MOST')
        .replace(/subgroupMax\((.*)\);/, 'emulated_most($1, thread);')
        .replace(/ = vec4<f16>\((.*)\);$/, ' = emulated_halves($1);')
        .replace(/array<vec4<f16>, /, 'array<vec2<u32>, ')
        .replace(/array<f16, ([^>]*)>/, 'array<u32, ($1) / 2u>')
        .replace(/f32\(panel_of\[(.*?)\]\)/, (_, at: string) => half('panel_of', at))
        .replace(
          /, @builtin\(subgroup_id\) subgroup: u32, @builtin\(subgroup_invocation_id\) lane: u32\) \{/,
          ') {\n  let subgroup = thread / 32u;\n  let lane = thread % 32u;',
        )
        .replace(/^\s*@builtin\(subgroup\w+\) \w+: u32,$/, '')
        .replace('place.subgroup', 'place.thread / 32u')
        .replace('place.lane', 'place.thread % 32u'),
    )
    .join('\n');
  // A size is one number or two.
  const most = body.replace(/var size = (0\.0|vec2<f32>\(\));[^]*?EMULATED_MOST/g, (all, zero: string) =>
    all.replace(
      'EMULATED_MOST',
      zero === '0.0' ? 'emulated_most(vec2<f32>(size), emulated_thread).x' : 'emulated_most(size, emulated_thread)',
    ),
  );
  const placed = most
    .replaceAll('emulated_thread', 'emulated_place')
    .replace(/(@compute[^]*?fn main\([^{]*\{)/, '$1\n  emulated_place = EMULATED_LOCAL;');
  const local = /place: Place/.test(placed) ? 'place.thread' : 'thread';
  return `${placed.replace('EMULATED_LOCAL', local)}\nvar<private> emulated_place: u32;${helpers}`;
}
