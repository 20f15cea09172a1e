// Checkpoints of other people's library, with its logits and its greedy text.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wasm } from '@sympow/backend-wasm';
import { js, type BackendFactory } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { checkpointErrors, isCheckpoint } from './checkpoint';

const folder = fileURLToPath(new URL('../fixtures/hf', import.meta.url));
const backends: Record<string, () => BackendFactory> = { js: () => js(), wasm: () => wasm({ threads: 2 }) };
const cases = readdirSync(folder).flatMap((name) => Object.entries(backends).map(([on, open]) => ({ name, on, open })));

it.each(cases)('$name has the logits and the text of its library, on $on', { timeout: 60_000 }, async (each) => {
  const path = `${folder}/${each.name}`;
  expect(await isCheckpoint(path)).toBe(true);
  const backend = await each.open().open();
  const before = backend.memory().liveBuffers;
  const quantities = await checkpointErrors(backend, path);
  expect(quantities.map(({ name }) => name)).toEqual([`${each.name}.logits`, `${each.name}.greedy`]);
  expect(quantities.filter(({ error, limit }) => !(error <= limit))).toEqual([]);
  expect(backend.memory().liveBuffers).toBe(before);
  await backend.close();
});
