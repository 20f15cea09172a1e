// What is carried to a machine that is rented by the minute has to run there at once.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { gpu, missing } from '../../packages/backend-webgpu/src/gpu.cases';
import { root } from '../workspace.mjs';
import { shadersOf } from './shaders';

const folder = mkdtempSync(join(tmpdir(), 'sympow-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const dawn = join(root, 'packages/backend-webgpu/node_modules/webgpu/index.js');

it.skipIf(missing)(`packs a program that measures${missing ? `: ${missing}` : ''}`, async () => {
  expect(await gpu.requestAdapter()).not.toBeNull();
  execFileSync(process.execPath, [join(root, 'tools/gpu/pack.mjs'), '--bundle', '--out', folder]);
  const run = (part: string, ...options: string[]) =>
    execFileSync(process.execPath, [join(folder, 'measure.mjs'), part, '--tiny', '--dawn', dawn, ...options], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const lines = run('check', '--no-robustness', '--products', 'float16');
  expect(lines.map(({ what }) => what)).toEqual([
    'device',
    'its own check passed',
    ...['a·b', 'a·bᵀ', 'aᵀ·b', 'aᵀ·bᵀ'].map((layout) => `matmul 40×68·68×36 ${layout}`),
    'end',
  ]);
  for (const line of lines) expect(line).toMatchObject({ part: 'check', robustness: false, products: 'float16' });
  for (const { error } of lines.slice(2, 6)) expect(error).toBeLessThan(1e-5);
  expect(readFileSync(join(folder, 'measure.sh'), 'utf8')).toContain('measure.mjs');
});

it('makes plain panels of the shaders as they are', () => {
  const plain = shadersOf('plain')!;
  for (const name of ['matrix_product', 'matrix_operands', 'matrix_tile'])
    expect(plain[name], name).not.toMatch(/panel_[ab]: buffer|bufferView<[^>]*f16[^>]*>+\(&panel/);
});
