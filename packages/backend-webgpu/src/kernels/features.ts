/** The structure of φ as shaders read it: small tables, made once for each d and p. */

import { embeddingRuns, embeddingWeights, multiIndices } from '@sympow/embedding';
import type { Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';

export interface Features {
  /** What `features.wgsl` needs; `quads` is the number of its entries. */
  readonly quads: number;
  readonly table: Tensor;
  readonly constants: { readonly prefix: number; readonly entry: number };
  /** [D, 1 + p]: weight, and multi-index, of each row of the state; for `rows.wgsl`. */
  readonly rows: Tensor;
}

const tables = new WeakMap<Machine, Map<string, Features>>();

export function featuresOf(machine: Machine, d: number, power: number): Features {
  const known = tables.get(machine) ?? new Map<string, Features>();
  tables.set(machine, known);
  const key = `${d},${power}`;
  let features = known.get(key);
  if (!features) {
    features = build(machine, d, power);
    known.set(key, features);
  }
  return features;
}

const bits = new DataView(new ArrayBuffer(4));

function bitsOf(x: number): number {
  bits.setFloat32(0, x);
  return bits.getInt32(0);
}

/**
 * Four entries of φ that share a prefix of degree p−1 and whose last coordinates are 4n … 4n+3. An entry of the table is
 * vectors of four words: (row of the first lane, 4n, prefix in halves of words), (weights, 0 for lanes that are no entry),
 * then what is left of the prefix, eight coordinates each.
 */
function build(machine: Machine, d: number, power: number): Features {
  const { last, first, rest } = embeddingRuns(d, power);
  const degree = power - 1;
  const prefixes = degree > 0 ? multiIndices(d, degree) : new Int32Array(0);
  const starts = last[degree]!;
  const vectors = 2 + Math.ceil(Math.max(0, degree - 4) / 8);
  const words: number[] = [];
  for (let j = 0, row = 0; j < starts.length; j++) {
    const begin = starts[j]!;
    for (let at = begin & ~3; at < d; at += 4) {
      const entry = new Array<number>(4 * vectors).fill(0);
      entry[0] = row + at - begin;
      entry[1] = at;
      for (let r = 0; r < degree; r++) {
        const word = r < 4 ? 2 + (r >> 1) : 8 + ((r - 4) >> 1);
        entry[word]! |= prefixes[j * degree + r]! << (16 * (r & 1));
      }
      for (let lane = 0; lane < 4; lane++) {
        const t = at + lane;
        entry[4 + lane] = bitsOf(t < begin || t >= d ? 0 : t === begin ? first[j]! : rest[j]!);
      }
      words.push(...entry);
    }
    row += d - begin;
  }
  const indices = multiIndices(d, power);
  const weights = embeddingWeights(d, power);
  const rows = new Int32Array(weights.length * (1 + power));
  for (let i = 0; i < weights.length; i++) {
    rows[i * (1 + power)] = bitsOf(weights[i]!);
    rows.set(indices.subarray(i * power, (i + 1) * power), i * (1 + power) + 1);
  }
  return {
    quads: words.length / (4 * vectors),
    table: constant(machine, Int32Array.from(words)),
    constants: { prefix: degree, entry: vectors },
    rows: constant(machine, rows),
  };
}

/** A buffer that lives as long as the device, as something that a launch takes. */
function constant(machine: Machine, data: Int32Array): Tensor {
  const handle = machine.allocate(Math.ceil(data.byteLength / 16) * 16);
  machine.write(handle, data);
  return { handle } as unknown as Tensor;
}
