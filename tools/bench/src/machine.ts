/** What the numbers were measured on. */

import { cpus, totalmem } from 'node:os';

/** CPU model, cores, memory, system and Node on one line. */
export function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim().replace(/\s+/g, ' ') ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${model}, ${cores.length} cores, ${memory} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
}
