// The runs of @sympow/embedding, which φ follows: a prefix of degree p−1 times the coordinates from its last one on. And φ of one
// vector after them; features.ts has that of many. The table is [p sizes of degrees 0 … p−1, their last coordinates, `first`,
// `rest`].

export let p: i32 = 0;
export let d: i32 = 0;
/** Monomials of each degree below p, of all of them together, and of degree p−1. */
export let counts: usize = 0;
export let monomials: i32 = 0;
export let prefixes: i32 = 0;
/** The last coordinate of every monomial, in order of degree; those of degree p−1 begin at `firstPrefix`. */
export let lasts: usize = 0;
export let firstPrefix: i32 = 0;
/** By prefix: the weight of its last coordinate once more, and of every later one. */
export let first: usize = 0;
export let rest: usize = 0;

export function setRuns(table: usize, power: i32, headSize: i32): void {
  p = power;
  d = headSize;
  counts = table;
  lasts = table + (<usize>p << 2);
  monomials = 0;
  for (let r = 0; r < p; r++) {
    prefixes = load<i32>(counts + (<usize>r << 2));
    monomials += prefixes;
  }
  firstPrefix = monomials - prefixes;
  first = lasts + (<usize>monomials << 2);
  rest = first + (<usize>prefixes << 2);
}

/** Monomials of degrees 1 … p−1 of `x`, after that of degree 0. */
function raise(x: usize, out: usize): void {
  store<f32>(out, 1);
  let prefix = 0;
  let next = out + 4;
  for (let r = 1; r < p; r++) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    for (let j = prefix; j < prefix + count; j++) {
      const factor = load<f32>(out + (<usize>j << 2));
      for (let t = load<i32>(lasts + (<usize>j << 2)); t < d; t++, next += 4) store<f32>(next, factor * load<f32>(x + (<usize>t << 2)));
    }
    prefix += count;
  }
}

/** φ of one vector [d] into [D], by way of `space` for its monomials. Writes up to 3 numbers beyond the end; reads as far beyond x. */
export function embedVector(x: usize, phi: usize, space: usize): void {
  raise(x, space);
  const prefix = space + (<usize>firstPrefix << 2);
  const starts = lasts + (<usize>firstPrefix << 2);
  for (let j: usize = 0; j < <usize>prefixes << 2; j += 4) {
    const t = load<i32>(starts + j);
    const value = load<f32>(prefix + j);
    const factor = f32x4.splat(value * load<f32>(rest + j));
    const run = <usize>(d - t) << 2;
    const from = x + (<usize>t << 2);
    for (let i: usize = 0; i < run; i += 16) v128.store(phi + i, f32x4.mul(factor, v128.load(from + i)));
    store<f32>(phi, value * load<f32>(first + j) * load<f32>(from));
    phi += run;
  }
}
