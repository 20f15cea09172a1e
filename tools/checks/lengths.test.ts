// A file holds one idea: at most 350 lines, tests and tools too.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../workspace.mjs';

const most = 350;

it(`no file has more than ${most} lines`, () => {
  const tracked = execFileSync('git', ['ls-files', '-z', '*.ts', '*.tsx', '*.mjs', '*.wgsl', '*.py'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = tracked.split('\0').filter((file) => file !== '' && !file.endsWith('.gen.ts'));
  expect(files.length).toBeGreaterThan(500);
  const there = files.filter((file) => existsSync(join(root, file)));
  const lines = (file: string) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
  const long = there.map((file) => ({ file, lines: lines(file) })).filter((each) => each.lines > most);
  expect(long.map((each) => `${each.file}: ${each.lines} lines`)).toEqual([]);
});
