import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from '@sympow/conformance';
import { js, type Backend } from '@sympow/kernels';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openBackend } from './backends';
import { circumstances, tryWithoutBoundsChecks, verified } from './boundsChecks';

const folder = mkdtempSync(join(tmpdir(), 'sympow-checks-'));
const file = join(folder, 'gpus-without-bounds-checks.json');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(file, { force: true }));

const now = { dawn: '1.2.3', sympow: '0.1.0', system: 'linux 6' };
const few = cases.filter(({ kernel }) => kernel === 'gelu').slice(0, 4);
const backend = Object.assign(await js().open(), { fingerprint: 'a GPU' });

/** The same, which computes one kernel wrong. */
function wrong(): typeof backend {
  const { kernels } = backend;
  const gelu: typeof kernels.gelu = (args) => {
    kernels.gelu(args);
    kernels.add({ a: args.y, b: args.y, y: args.y });
  };
  return Object.assign(Object.create(backend) as Backend & { fingerprint: string }, { kernels: { ...kernels, gelu } });
}

describe('a GPU without checks of indexes', () => {
  it('is remembered once all cases pass, for this Dawn, this system and this version alone', async () => {
    const progress: string[] = [];
    const onProgress = (done: number, of: number) => progress.push(`${done}/${of}`);
    const verdict = await tryWithoutBoundsChecks(backend, { cases: few, onProgress, now, folder });
    expect(verdict).toEqual({ fingerprint: 'a GPU', cases: 4, complaints: [] });
    expect(progress).toEqual(['0/4', '1/4', '2/4', '3/4']);
    expect(verified(now, folder)).toEqual(['a GPU']);
    for (const other of [{ dawn: '1.2.4' }, { sympow: '0.1.1' }, { system: 'linux 7' }])
      expect(verified({ ...now, ...other }, folder)).toEqual([]);
    await tryWithoutBoundsChecks(Object.assign(Object.create(backend) as typeof backend, { fingerprint: 'b' }), {
      ...{ cases: few, now, folder },
    });
    await tryWithoutBoundsChecks(backend, { cases: few, now, folder });
    expect(verified(now, folder)).toEqual(['b', 'a GPU']);
  });

  it('is forgotten when a case fails', async () => {
    await tryWithoutBoundsChecks(backend, { cases: few, now, folder });
    const { complaints } = await tryWithoutBoundsChecks(wrong(), { cases: few, now, folder });
    expect(complaints.length).toBeGreaterThan(0);
    expect(complaints[0]).toMatch(/^gelu, /);
    expect(verified(now, folder)).toEqual([]);
  });

  it('is unknown where nothing ran, or the file is not what was written', async () => {
    await tryWithoutBoundsChecks(backend, { cases: [], now, folder });
    expect(verified(now, folder)).toEqual([]);
    for (const text of ['', '{"a": 1}', '[null, 3, {"fingerprint": 3}]']) {
      writeFileSync(file, text);
      expect(verified(now, folder)).toEqual([]);
    }
    await tryWithoutBoundsChecks(backend, { cases: few, now, folder });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toContainEqual(expect.objectContaining({ cases: 4, dawn: '1.2.3' }));
  });

  it('is asked for by its name', async () => {
    const flags = { boundsChecks: 'off', threads: 1 } as const;
    for (const name of ['auto', 'wasm'])
      await expect(openBackend({ backend: name, ...flags })).rejects.toThrow(/expected --backend webgpu/);
    expect(circumstances().dawn).toMatch(/^\d+\.\d+/);
  });
});
