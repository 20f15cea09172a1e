import { gpujs } from '@sympow/backend-gpujs';
import { wasm } from '@sympow/backend-wasm';
import type { BackendFactory } from '@sympow/kernels';
import { parseSafetensors } from '@sympow/safetensors';
import { expect, inject, it } from 'vitest';
import { attentionErrors } from './attention';
import { modelErrors } from './model';

const files = [
  { name: 'attention', errorsOf: attentionErrors },
  { name: 'model', errorsOf: modelErrors },
];
const backends: Record<string, () => BackendFactory> = {
  wasm: () => wasm({ threads: 2 }),
  'gpujs on webgl2': () => gpujs({ mode: 'webgl2' }),
};
const cases = Object.entries(backends)
  .flatMap(([on, factory]) => files.map((file) => ({ ...file, on, factory })))
  // Minutes on a software WebGL; a model has the same kernels.
  .filter(({ name, on }) => inject('thorough') || name === 'model' || on === 'wasm');

it.each(cases)('the golden file of $name holds in a browser, on $on', { timeout: 900_000 }, async (each) => {
  const { name, errorsOf, factory } = each;
  const response = await fetch(new URL(`../fixtures/${name}.safetensors`, import.meta.url));
  const file = parseSafetensors(new Uint8Array(await response.arrayBuffer()), { source: name });
  const backend = await factory().open();
  const quantities = await errorsOf(backend, file);
  await backend.close();
  expect(quantities.length).toBeGreaterThan(50);
  expect(quantities.filter(({ error, limit }) => !(error <= limit))).toEqual([]);
});
