import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it('runs what the README shows', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const contents = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const scratch = mkdtempSync(join(tmpdir(), 'sympow-readme-'));
  const outfile = join(scratch, 'example.mjs');
  const resolveDir = fileURLToPath(new URL('.', import.meta.url));
  const stdin = { contents, resolveDir, sourcefile: join(resolveDir, 'example.ts'), loader: 'ts' } as const;
  await build({ stdin, outfile, bundle: true, format: 'esm', platform: 'node', target: 'es2022', logLevel: 'error' });
  const { stdout, stderr } = spawnSync(process.execPath, [outfile], { cwd: scratch, encoding: 'utf8' });
  rmSync(scratch, { recursive: true });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  expect(lines.filter((line) => line.startsWith('held out'))).toHaveLength(3);
  expect(lines.at(-1)).toBe('2');
});
