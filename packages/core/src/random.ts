// Seeded random numbers: Philox4x32-10, a counter-based generator. Number i of a stream is a function of (seed, stream, i)
// alone, so streams never disturb each other, any position can be visited, and those three are the whole state.
// It is not for secrets.
//
// Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
import { ConfigError } from './errors';

/** What a stream is for: one name or number per purpose, such as `init`, `data`, `sampling`. `3` and `'3'` are the same. */
export type StreamName = string | number;

/** All there is to know about a {@link Random}, as plain JSON. */
export interface RandomState {
  readonly generator: 'philox4x32-10';
  readonly seed: number;
  readonly stream: StreamName;
  /** Position of the next draw. */
  readonly position: number;
}

const GENERATOR = 'philox4x32-10';
const TWO_32 = 2 ** 32;

/**
 * A stream of random numbers.
 *
 * A draw takes place at a position and moves on: by one for `nextUint32` and `normal`, by two for `uniform`, by as many as
 * it needs for `integer`. Results come from integer arithmetic, + − × ÷ and square roots alone, which IEEE 754 rounds in
 * one way only: every JavaScript engine gives the same bits. (`Math.log` and `Math.cos` differ between engines.)
 *
 * @example
 * ```ts
 * const init = new Random(42, 'init');
 * init.fillNormal(new Float32Array(1000), 0.02);
 * const saved = JSON.stringify(init.save());
 * const resumed = Random.load(JSON.parse(saved));
 * resumed.nextUint32() === init.nextUint32(); // true
 * ```
 */
export class Random {
  readonly seed: number;
  readonly stream: StreamName;
  private at: number;
  private readonly key: Uint32Array;
  private readonly counter: Uint32Array;
  private readonly words: Uint32Array;
  private wordsBlock = -1;
  private readonly normals = new Float64Array(4);
  private normalsBlock = -1;

  /**
   * @param seed - a whole number from 0 to 2⁵³−1; becomes the key of the cipher
   * @param stream - what the numbers are for; its hash becomes the upper half of the counter
   * @param position - where to begin, 0 unless said otherwise
   * @throws ConfigError if the seed or the position is not a whole number in range, or the stream is neither a string nor
   * a finite number
   */
  constructor(seed: number, stream: StreamName, position = 0) {
    requireNatural('seed', seed);
    requireNatural('position', position);
    if (typeof stream !== 'string' && !Number.isFinite(stream)) {
      throw new ConfigError({ what: 'stream', value: stream, expected: 'a string or a finite number' });
    }
    this.seed = seed;
    this.stream = stream;
    this.at = position;
    this.key = Uint32Array.of(seed, seed / TWO_32);
    this.counter = Uint32Array.of(0, 0, ...hashStream(stream));
    this.words = new Uint32Array(4);
  }

  /**
   * The stream that {@link save} described, at the same position.
   *
   * @throws ConfigError if this is not such a description
   */
  static load(state: RandomState): Random {
    const generator: unknown = state?.generator;
    if (generator !== GENERATOR) {
      throw new ConfigError({ what: 'generator of the random state', value: generator, expected: `"${GENERATOR}"` });
    }
    return new Random(state.seed, state.stream, state.position);
  }

  /** The state as plain JSON, for checkpoints. */
  save(): RandomState {
    return { generator: GENERATOR, seed: this.seed, stream: this.stream, position: this.at };
  }

  /** Position of the next draw. */
  get position(): number {
    return this.at;
  }

  /** Moves on as `count` draws of 32 bits do. */
  skip(count: number): void {
    requireNatural('count', count);
    this.at += count;
  }

  /**
   * All there is to know as six words, for devices: seed, position of the next draw and hash of the stream, the lower word of each
   * first.
   */
  toWords(): Int32Array {
    const [, , stream, above] = this.counter as unknown as [number, number, number, number];
    return Int32Array.of(this.key[0]!, this.key[1]!, this.at | 0, Math.floor(this.at / TWO_32), stream, above);
  }

  /** The 32 bits at a position, 0 … 2⁵³−1, whatever was drawn before; the position of the stream stays. */
  uint32At(position: number): number {
    requireNatural('position', position);
    return this.wordAt(position);
  }

  /** A whole number, uniform in 0 … 2³²−1. */
  nextUint32(): number {
    return this.wordAt(this.at++);
  }

  /** Uniform in [0, 1): a multiple of 2⁻⁵³, from 53 random bits. */
  uniform(): number {
    return this.next53() / 2 ** 53;
  }

  /**
   * Normal with mean 0 and standard deviation 1, by Box and Muller from 32 bits for the radius, so at most 6.76 in size,
   * and 32 for the angle. Normals have counters of their own: the number at a position does not depend on what else is
   * drawn before or after it.
   */
  normal(): number {
    return this.normalAt(this.at++);
  }

  /**
   * A whole number, uniform in 0 … n−1, without bias: draws that would favour small numbers are drawn again.
   *
   * @param n - 1 … 2⁵³−1
   * @throws ConfigError if n is not such a number
   */
  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new ConfigError({ what: 'n', value: n, expected: 'a whole number from 1 to 2^53 − 1' });
    }
    const range = n <= TWO_32 ? TWO_32 : 2 ** 53;
    const fair = range - (range % n);
    for (;;) {
      const drawn = range === TWO_32 ? this.nextUint32() : this.next53();
      if (drawn < fair) return drawn % n;
    }
  }

  /**
   * Fills an array with normals of mean 0: the same numbers as that many calls of {@link normal}, times `std`.
   *
   * @returns the array
   */
  fillNormal<A extends Float32Array | Float64Array>(array: A, std = 1): A {
    for (let i = 0; i < array.length; i++) array[i] = std * this.normalAt(this.at++);
    return array;
  }

  /**
   * The numbers 0 … n−1 in random order, each order equally likely (Fisher and Yates).
   *
   * @param n - 0 … 2³²−1
   * @throws ConfigError if n is not such a number
   */
  permutation(n: number): Uint32Array {
    if (!Number.isInteger(n) || n < 0 || n >= TWO_32) {
      throw new ConfigError({ what: 'n', value: n, expected: 'a whole number from 0 to 2^32 − 1' });
    }
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }

  private next53(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return high * 2 ** 26 + low;
  }

  private wordAt(position: number): number {
    const block = Math.floor(position / 4);
    if (block !== this.wordsBlock) {
      this.counter[0] = block;
      this.counter[1] = block / TWO_32;
      philox4x32(this.counter, this.key, this.words);
      this.wordsBlock = block;
    }
    return this.words[position % 4]!;
  }

  private normalAt(position: number): number {
    const block = Math.floor(position / 4);
    if (block !== this.normalsBlock) {
      // A position has 51 bits of block number, so the top bit is free to set normals apart.
      this.counter[0] = block;
      this.counter[1] = block / TWO_32 + 2 ** 31;
      philox4x32(this.counter, this.key, this.words);
      this.wordsBlock = -1;
      boxMuller(this.words[0]!, this.words[1]!, this.normals, 0);
      boxMuller(this.words[2]!, this.words[3]!, this.normals, 2);
      this.normalsBlock = block;
    }
    return this.normals[position % 4]!;
  }
}

/**
 * The Philox4x32 bijection with ten rounds: 128 bits of counter under 64 bits of key to 128 random bits.
 *
 * @param counter - [4], least significant word first
 * @param key - [2]
 * @param out - [4], may be `counter` itself
 * @returns `out`
 *
 * @example
 * ```ts
 * philox4x32(new Uint32Array(4), new Uint32Array(2)); // 6627e8d5 e169c58d bc57ac4c 9b00dbd8
 * ```
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array = new Uint32Array(4)): Uint32Array {
  let a = counter[0]!;
  let b = counter[1]!;
  let c = counter[2]!;
  let d = counter[3]!;
  let k = key[0]!;
  let l = key[1]!;
  for (let round = 0; round < 10; round++) {
    const highA = multiplyHigh(0xd2511f53, a);
    const lowA = Math.imul(0xd2511f53, a);
    const highC = multiplyHigh(0xcd9e8d57, c);
    const lowC = Math.imul(0xcd9e8d57, c);
    a = highC ^ b ^ k;
    b = lowC;
    c = highA ^ d ^ l;
    d = lowA;
    k = (k + 0x9e3779b9) | 0;
    l = (l + 0xbb67ae85) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
  return out;
}

/** The upper 32 of the 64 bits of a product of two unsigned words, from products of their halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Neither sum reaches 2³², so their low 32 bits are all of them.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** FNV-1a with 64 bits over the UTF-8 bytes of the name; the lower word first. */
function hashStream(stream: StreamName): [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(String(stream))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}

/** Two independent normals from a word for the radius and one for the angle. */
function boxMuller(radiusWord: number, angleWord: number, out: Float64Array, at: number): void {
  const radius = Math.sqrt(-2 * logOfFraction(radiusWord));
  // The angle as a number of quarter turns and a rest of −1/8 … 1/8 turn, both exact.
  const quarters = Math.round(angleWord / 2 ** 30);
  const rest = 2 * Math.PI * (angleWord / TWO_32 - quarters / 4);
  const cos = radius * polynomial(COSINE, rest * rest);
  const sin = radius * rest * polynomial(SINE, rest * rest);
  const sign = quarters & 2 ? -1 : 1;
  out[at] = sign * (quarters & 1 ? -sin : cos);
  out[at + 1] = sign * (quarters & 1 ? cos : sin);
}

/** log((w + ½) / 2³²) for a word w, never 0: exponent and mantissa m apart, log m = 2 artanh((m−1)/(m+1)). */
function logOfFraction(word: number): number {
  let exponent = word === 0 ? -1 : 31 - Math.clz32(word);
  let mantissa = word === 0 ? 1 : (word + 0.5) / ((2 ** 31) >>> Math.clz32(word)); // 1 … 2
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  return (exponent - 32) * Math.LN2 + 2 * s * polynomial(ARTANH, s * s);
}

// Power series in x², cut where the next term is below the last bit of a double: sin x / x and cos x for |x| ≤ π/4, and
// artanh x / x for |x| ≤ (√2−1)/(√2+1). A factorial up to 18! is exact, so the coefficients are too but for one rounding.
const SINE = /* @__PURE__ */ series(9, (n) => (-1) ** n / factorial(2 * n + 1));
const COSINE = /* @__PURE__ */ series(10, (n) => (-1) ** n / factorial(2 * n));
const ARTANH = /* @__PURE__ */ series(11, (n) => 1 / (2 * n + 1));

function series(terms: number, coefficient: (n: number) => number): Float64Array {
  return Float64Array.from({ length: terms }, (_, n) => coefficient(n));
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

function polynomial(coefficients: Float64Array, x: number): number {
  let sum = 0;
  for (let n = coefficients.length - 1; n >= 0; n--) sum = sum * x + coefficients[n]!;
  return sum;
}

function requireNatural(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ConfigError({ what, value, expected: 'a whole number from 0 to 2^53 − 1' });
  }
}
