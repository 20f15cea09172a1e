// FEATURES.md takes minutes to write, so a kernel or a backend may be added without it. That its rows and columns are those of the
// catalogue and of the list of backends is seen in no time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backends } from '@sympow/backends';
import { kernelNames } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { root } from '../workspace.mjs';

const rows = readFileSync(join(root, 'FEATURES.md'), 'utf8').matchAll(/^\| ([^|]+) \|(.*)\|$/gm);
const [[, , columns = ''] = [], , ...kernels] = [...rows];

it('FEATURES.md has a row for every kernel; node tools/checks/features.mjs writes it', () => {
  expect(kernels.map(([, name]) => name)).toEqual(kernelNames);
});

it('FEATURES.md has a column for every backend', () => {
  const names = columns.split('|').map((name) => name.trim());
  expect(names.sort()).toEqual(backends.map(({ name }) => name).sort());
});
