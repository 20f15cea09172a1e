import { wasm } from '@sympow/backend-wasm';
import { js } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { fewLosses, fewSteps } from './fewSteps.cases';

it.each([js(), wasm()])('a few steps have the losses that they have everywhere: $name', async (factory) => {
  const backend = await factory.open();
  const losses = await fewSteps(backend);
  await backend.close();
  expect(losses).toHaveLength(fewLosses.length);
  losses.forEach((loss, i) => expect(loss).toBeCloseTo(fewLosses[i]!, 5));
});
