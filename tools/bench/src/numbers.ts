/** Inputs: the same on every run and every backend. */

import { Random } from '@sympow/kernels';

/** Normals with standard deviation `std`; `name` says for what. */
export function normals(name: string, size: number, std = 1): Float32Array {
  return new Random(1, name).fillNormal(new Float32Array(size), std);
}

/** Log gates such as training finds them: γ from about 0.95 to 0.999. */
export function logGates(name: string, size: number): Float32Array {
  return normals(name, size).map((x) => -Math.exp(-4.5 + x));
}

/** Tokens 0 … vocabulary − 1, the small ones more often, as in text. */
export function tokens(name: string, size: number, vocabulary: number): Int32Array {
  const random = new Random(1, name);
  return Int32Array.from({ length: size }, () => Math.floor(vocabulary * random.uniform() ** 3));
}
