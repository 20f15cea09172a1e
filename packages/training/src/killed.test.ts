import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { js, Random } from '@sympow/kernels';
import { folderStorage, latestCheckpoint, loadModel } from '@sympow/model';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let scratch: string;
let program: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'sympow-killed-'));
  program = join(scratch, 'killedRun.mjs');
  const entry = fileURLToPath(new URL('killedRun.mjs', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
  });
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface Outcome {
  readonly killed: boolean;
  readonly lines: readonly string[];
}

/** Starts the run, kills it so many milliseconds after it began to train, or lets it kill itself. */
function start(folder: string, { after, calls = 0 }: { after?: number; calls?: number } = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, folder, String(calls)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output === '' && after !== undefined) setTimeout(() => child.kill('SIGKILL'), after);
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the run ended with ${code}`));
      else resolve({ killed: signal === 'SIGKILL', lines: output.trim().split('\n') });
    });
  });
}

/** The files of the newest checkpoint. */
async function files(folder: string): Promise<Record<string, string>> {
  const { storage } = (await latestCheckpoint(folderStorage(folder)))!;
  const names = readdirSync(storage.path).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(storage.path, name)).toString('base64')]));
}

describe('a run that is killed again and again', () => {
  it('ends with the same files as one that ran through, and always has a whole checkpoint', async () => {
    const undisturbed = join(scratch, 'undisturbed');
    const { lines } = await start(undisturbed);
    expect(lines.at(-1)).toBe('end 40');
    const expected = await files(undisturbed);

    const folder = join(scratch, 'killed');
    const random = new Random(1, 'kills');
    const backend = await js().open();
    let deaths = 0;
    let saved = 0;
    for (let round = 0; ; round++) {
      // In turn by the clock, and between two calls of the file system: each save makes some thirty.
      const way = round % 2 === 0 ? { after: random.integer(120) } : { calls: 3 + random.integer(70) };
      const outcome = await start(folder, round < 12 ? way : {});
      const newest = await latestCheckpoint(folderStorage(folder));
      if (newest) {
        expect(newest.step).toBeGreaterThanOrEqual(saved);
        saved = newest.step;
        (await loadModel(backend, newest.storage)).dispose();
      }
      if (!outcome.killed) {
        expect(outcome.lines.at(-1)).toBe('end 40');
        break;
      }
      deaths++;
    }
    expect(deaths).toBeGreaterThan(3);
    expect(await files(folder)).toEqual(expected);
    expect(readdirSync(join(folder, 'checkpoints')).filter((name) => !/^step-\d{8}$/.test(name))).toEqual([]);
  }, 60_000);
});
