// e^x and log x in double, within two roundings. AssemblyScript's own read tables of 6 KB, which do not compress: a fifth of the module.

const LOG2E: f64 = 1.4426950408889634;
// ln 2 in two parts: the first has few enough digits that n times it is exact.
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;

/** e^x for x up to 709; 0 below −708, where doubles lose digits, and NaN for NaN. */
export function exp(x: f64): f64 {
  if (!(x >= -708)) return x < 0 ? 0 : x;
  if (x > 709) return Infinity;
  const n = nearest(x * LOG2E);
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  // The series by even and odd powers, so that half as many steps wait for each other; |r| ≤ ln 2 / 2.
  const z = r * r;
  const even = 1 + z * (1.0 / 2 + z * (1.0 / 24 + z * (1.0 / 720 + z * (1.0 / 40320 + z * (1.0 / 3628800 + z * (1.0 / 479001600))))));
  const odd = 1 + z * (1.0 / 6 + z * (1.0 / 120 + z * (1.0 / 5040 + z * (1.0 / 362880 + z * (1.0 / 39916800 + z * (1.0 / 6227020800))))));
  return (even + r * odd) * reinterpret<f64>((<i64>n + 1023) << 52);
}

/** log x for x ≥ 0; infinity and NaN are what they are. */
export function log(x: f64): f64 {
  if (!(x > 0 && x < Infinity)) return x == 0 ? -Infinity : x;
  // x = 2^n·m with m from √½ to √2, and log m = 2 atanh(s).
  const bits = reinterpret<i64>(x);
  const n = (bits - reinterpret<i64>(Math.SQRT1_2)) >> 52;
  const m = reinterpret<f64>(bits - (n << 52));
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let series: f64 = 0;
  for (let k: f64 = 21; k > 0; k -= 2) series = series * z + 1 / k;
  return <f64>n * LN2_HIGH + (2 * s * series + <f64>n * LN2_LOW);
}
