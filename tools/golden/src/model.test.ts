// Files of the same layout and other sizes, in which rounding moves more than in the fixture that every backend is run over: RMS
// norms, SwiGLU, normed queries and keys, three query heads on one of keys. golden.py wrote them, with the seeds in their names.
import { readFileSync } from 'node:fs';
import { js } from '@sympow/kernels';
import { parseSafetensors } from '@sympow/safetensors';
import { expect, it } from 'vitest';
import { modelErrors } from './model';

const ways = ['attention', 'chunked8', 'recurrent'];

for (const seed of [1000, 1001]) {
  const path = new URL(`../fixtures/sizes/model-${seed}.safetensors`, import.meta.url);
  const file = parseSafetensors(new Uint8Array(readFileSync(path)), { source: `model-${seed}` });

  it(`every quantity of the file of seed ${seed} is within its limit`, { timeout: 120_000 }, async () => {
    const quantities = await modelErrors(await js().open(), file);
    expect(quantities.length).toBeGreaterThan(100);
    expect(quantities.filter(({ error, limit }) => !(error <= limit))).toEqual([]);
  });

  it(`a gradient of seed ${seed} that is off by a hundredth is not`, { timeout: 120_000 }, async () => {
    const name = 'conformal.grad.model.layers.1.mlp.up_proj.weight';
    const stored = file.tensors.get(name)!;
    const wrong = Float64Array.from(stored.toFloat64(), (x) => 1.01 * x);
    const tensors = new Map(file.tensors).set(name, { ...stored, toFloat64: () => wrong } as typeof stored);
    const quantities = await modelErrors(await js().open(), { ...file, tensors });
    const over = quantities.filter(({ error, limit }) => !(error <= limit)).map((each) => each.name);
    expect(over).toEqual(ways.map((way) => name.replace('conformal', `conformal.${way}`)));
  });
}
