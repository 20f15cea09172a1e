/** What a launcher of several processes says to each of them, in its environment. */

import type { Launch } from './api';
import { DistributedError } from './errors';

type Variables = Readonly<Record<string, string | undefined>>;

/** Names of the variables, by launcher: `mpirun` of Open MPI, and `srun --mpi=pmix`. */
const launchers = [
  { rank: ['OMPI_COMM_WORLD_RANK'], size: ['OMPI_COMM_WORLD_SIZE'], local: ['OMPI_COMM_WORLD_LOCAL_RANK'] },
  { rank: ['PMIX_RANK'], size: ['SLURM_STEP_NUM_TASKS', 'SLURM_NTASKS'], local: ['SLURM_LOCALID'] },
] as const;

/**
 * Where this process stands among those that `mpirun` or `srun --mpi=pmix` has started; nothing where it was started alone.
 *
 * @throws DistributedError where MPICH's launcher has started it
 * @example
 * ```ts
 * import { launch } from '@sympow/distributed';
 * const variables = { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_LOCAL_RANK: '0' };
 * console.log(launch(variables)); // { rank: 1, size: 2, localRank: 0 }
 * console.log(launch({})); // undefined
 * ```
 */
export function launch(env: Variables = process.env): Launch | undefined {
  for (const { rank, size, local } of launchers) {
    const found = { rank: numberIn(env, rank), size: numberIn(env, size), localRank: numberIn(env, local) ?? 0 };
    if (found.rank !== undefined && found.size !== undefined) return found as Launch;
  }
  if (numberIn(env, ['PMI_RANK']) !== undefined && (numberIn(env, ['PMI_SIZE']) ?? 1) > 1) {
    throw new DistributedError({
      what: 'the launcher',
      value: 'PMI',
      message: 'MPICH, or another launcher that speaks PMI-1 or PMI-2, has started this process',
      expected: "Open MPI's",
      remedy: "Use Open MPI's mpirun, or srun --mpi=pmix.",
    });
  }
  return undefined;
}

function numberIn(env: Variables, names: readonly string[]): number | undefined {
  for (const name of names) {
    const text = env[name];
    if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  }
  return undefined;
}
