import { charTokenizer } from '@sympow/data';
import { js } from '@sympow/kernels';
import { Model, modelConfig } from '@sympow/model';
import { expect, it } from 'vitest';
import { measure, type Subject } from './measuring';
import type { Measured } from './messages';
import { sampleText } from './sample';

it('measures the definition, which agrees with itself, and says why a backend is not there', async () => {
  const text = sampleText().text.slice(0, 4000);
  const tokenizer = charTokenizer(text);
  const config = modelConfig({ vocabSize: tokenizer.vocabSize, hiddenSize: 16, layers: 1, heads: 1, headSize: 16 });
  const backend = await js().open();
  const model = Model.create(backend, config, { seed: 1 });
  const weights: [string, ArrayLike<number>][] = [];
  for (const [name, { value }] of model.parameters) weights.push([name, await value.read()]);
  const subject: Subject = { config, weights: new Map(weights), tokenizer, text };
  const rows: Measured[] = [];
  for await (const event of measure(['js', 'nowhere'], subject, new AbortController().signal)) {
    if (event.type === 'measured') rows.push(event.row);
  }
  const [own, missing] = rows;
  expect(own).toMatchObject({ backend: 'js', agreement: 1, complaints: [] });
  expect((own as { cases: number }).cases).toBeGreaterThan(30);
  expect(missing).toMatchObject({ backend: 'nowhere', missing: expect.stringContaining('nowhere') as string });
});
