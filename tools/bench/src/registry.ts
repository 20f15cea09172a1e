/** Every benchmark, in the order in which they run. */

import type { Benchmark } from './benchmark';
import { attention } from './benchmarks/attention';
import { chunked } from './benchmarks/chunked';
import { decode } from './benchmarks/decode';
import { embedding } from './benchmarks/embedding';
import { length } from './benchmarks/length';
import { matmul } from './benchmarks/matmul';
import { memory } from './benchmarks/memory';
import { peak } from './benchmarks/peak';
import { power } from './benchmarks/power';
import { ranks } from './benchmarks/ranks';
import { reader } from './benchmarks/reader';
import { training } from './benchmarks/training';
import { variantSteps } from './benchmarks/variants';

export const benchmarks: readonly Benchmark[] = [
  matmul,
  training,
  ranks,
  variantSteps,
  attention,
  power,
  chunked,
  length,
  decode,
  memory,
  peak,
  embedding,
  reader,
];

/** The benchmarks whose name has one of the filters in it; all without filters. */
export function select(filters: readonly string[]): { chosen: readonly Benchmark[]; unknown: readonly string[] } {
  const matches = ({ name }: Benchmark, filter: string) => name.includes(filter);
  return {
    chosen: benchmarks.filter(
      (benchmark) => filters.length === 0 || filters.some((filter) => matches(benchmark, filter)),
    ),
    unknown: filters.filter((filter) => !benchmarks.some((benchmark) => matches(benchmark, filter))),
  };
}
