import { wasm } from '@sympow/backend-wasm';
import { parseSafetensors } from '@sympow/model';
import { expect, it } from 'vitest';
import { attentionErrors } from './attention';
import { modelErrors } from './model';

it.each([
  { name: 'attention', errorsOf: attentionErrors },
  { name: 'model', errorsOf: modelErrors },
])('the golden file of $name holds in a browser', async ({ name, errorsOf }) => {
  const response = await fetch(new URL(`../fixtures/${name}.safetensors`, import.meta.url));
  const file = parseSafetensors(new Uint8Array(await response.arrayBuffer()), { source: name });
  const backend = await wasm({ threads: 2 }).open();
  const quantities = await errorsOf(backend, file);
  await backend.close();
  expect(quantities.length).toBeGreaterThan(50);
  expect(quantities.filter(({ error, limit }) => !(error <= limit))).toEqual([]);
});
