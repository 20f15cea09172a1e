import { expect, it } from 'vitest';
import { launch } from './launch';
import { openMpi } from './openMpi';

it('launchers are known by their variables', () => {
  const openMpiVariables = { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_RANK: '1' };
  expect(launch(openMpiVariables)).toEqual({ rank: 3, size: 4, localRank: 1 });
  const slurm = { PMIX_RANK: '3', SLURM_NTASKS: '8', SLURM_STEP_NUM_TASKS: '4', SLURM_LOCALID: '1' };
  expect(launch(slurm)).toEqual({ rank: 3, size: 4, localRank: 1 });
  expect(launch({})).toBe(undefined);
  expect(launch({ PMI_RANK: '0', PMI_SIZE: '1' })).toBe(undefined);
});

it("MPICH's launcher is refused with the reason", async () => {
  const env = { PMI_RANK: '1', PMI_SIZE: '2' };
  expect(() => launch(env)).toThrow(/MPICH.*expected Open MPI's\. Use Open MPI's mpirun/);
  await expect(openMpi({ env })).rejects.toMatchObject({ code: 'DISTRIBUTED' });
});

it('a process that was started alone is alone, and loads nothing', async () => {
  for (const env of [{}, { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' }]) {
    const communicator = await openMpi({ env, library: 'not there' });
    expect(communicator).toMatchObject({ rank: 0, size: 1, localRank: 0, version: undefined });
    const numbers = Float32Array.of(1, 2);
    await communicator.allReduce(numbers, 'sum');
    expect([...numbers]).toEqual([1, 2]);
    expect(await communicator.broadcast(Uint8Array.of(7), 0)).toEqual(Uint8Array.of(7));
    await communicator.barrier();
    await communicator.close();
  }
});

it('a library that is not there is named, with what to install', async () => {
  const env = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2' };
  await expect(openMpi({ env, library: '/nowhere/libmpi.so' })).rejects.toThrow(
    /\/nowhere\/libmpi\.so cannot be loaded.*Install Open MPI/,
  );
});
