// Weights that are wrapped from outside: frozen ones, and low-rank additions.

import { Tape } from '@sympow/autograd';
import { leftBehind } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { livelyModel, logitsOf, relativeError, tinyConfig, tokensOf } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { loadAdapted, mergeAdapted } from './adapted';
import { loadModel, saveModel } from './checkpoint';
import { fingerprintOf } from './fingerprint';
import { lora } from './lora';
import { Model } from './model';
import { memoryStorage } from '@sympow/storage';

const backend = await js({ float: 'float64' }).open();
const config = tinyConfig({ mlp: 'swiglu', bias: true, keyValueHeads: 1 });
const base = livelyModel(backend, config);
const tokens = tokensOf(backend, config, 2, 9);

/** An adapted model whose additions are far from nothing. */
function tuned(options: Parameters<typeof lora>[1] = { rank: 2, alpha: 3, targets: ['q_proj', 'down_proj'] }): Model {
  const model = lora(base, options);
  for (const { value } of model.parameters.values()) {
    backend.write(
      value,
      Float64Array.from({ length: value.size }, (_, i) => 0.2 * Math.sin(1 + i)),
    );
  }
  return model;
}

/** Names of the parameters that a backward pass reaches. */
function reached(model: Model, parameters: Model['parameters']): string[] {
  return backend.scope(() => {
    const tape = new Tape(backend);
    const loss = model.loss(tape, tokens, tokens);
    tape.backward([[loss, backend.upload(new Float64Array(18).fill(1), [2, 9])]]);
    return [...parameters].flatMap(([name, parameter]) => (tape.gradient(parameter) ? [name] : []));
  });
}

describe('low-rank additions', () => {
  it('change no number before they are trained', () => {
    const model = lora(base, { rank: 3, seed: 4, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj'] });
    expect(logitsOf(model, tokens)).toEqual(logitsOf(base, tokens));
    model.dispose();
  });

  it('are the parameters, and get the gradients; the weights beneath get none', () => {
    const model = tuned();
    const layer = (i: number) => [
      `model.layers.${i}.self_attn.q_proj.lora_A.weight`,
      `model.layers.${i}.self_attn.q_proj.lora_B.weight`,
      `model.layers.${i}.mlp.down_proj.lora_A.weight`,
      `model.layers.${i}.mlp.down_proj.lora_B.weight`,
    ];
    expect([...model.parameters.keys()]).toEqual([...layer(0), ...layer(1)]);
    expect(reached(model, model.parameters)).toEqual([...model.parameters.keys()]);
    expect(reached(model, base.parameters)).toEqual([]);
    model.dispose();
  });

  it('of gate_proj are those of the MLP, not of the gates', () => {
    const model = lora(base, { rank: 1, targets: ['gate_proj'] });
    expect([...model.parameters.keys()].every((name) => name.includes('.mlp.gate_proj.'))).toBe(true);
    model.dispose();
  });

  it('merged into the weights compute the same', () => {
    const model = tuned();
    const whole = mergeAdapted(model);
    expect([...whole.parameters.keys()]).toEqual([...base.parameters.keys()]);
    expect(relativeError(logitsOf(model, tokens), logitsOf(base, tokens))).toBeGreaterThan(0.01);
    expect(relativeError(logitsOf(whole, tokens), logitsOf(model, tokens))).toBeLessThan(1e-12);
    for (const each of [model, whole]) each.dispose();
  });

  it('are saved without the model beneath, and come back on it', async () => {
    const model = tuned();
    const storage = memoryStorage();
    await saveModel(storage, model);
    const back = await loadAdapted(base, storage);
    expect(relativeError(logitsOf(back, tokens), logitsOf(model, tokens))).toBe(0);
    expect(await fingerprintOf(back)).toBe(await fingerprintOf(model));
    await expect(loadModel(backend, storage)).rejects.toThrow(
      /^adapter in .*config.json is "lora"; expected a whole model/,
    );
    const other = livelyModel(backend, tinyConfig({ layers: 1 }));
    await expect(loadAdapted(other, storage)).rejects.toThrow(/adapts a model of another configuration/);
    const plain = memoryStorage();
    await saveModel(plain, base);
    await expect(loadAdapted(base, plain)).rejects.toThrow(/expected one of lora/);
    for (const each of [model, back, other]) each.dispose();
  });

  it('have a fingerprint that knows the model beneath', async () => {
    const [here, same] = [tuned(), tuned()];
    expect(await fingerprintOf(here)).toBe(await fingerprintOf(same));
    const other = livelyModel(backend, config);
    backend.write(other.parameters.get('model.norm.weight')!.value, new Float64Array(8));
    const onOther = lora(other, { rank: 2, alpha: 3, targets: ['q_proj', 'down_proj'] });
    for (const [name, { value }] of onOther.parameters)
      backend.write(value, backend.readSync!(here.parameters.get(name)!.value));
    expect(await fingerprintOf(onOther)).not.toBe(await fingerprintOf(here));
    for (const each of [here, same, onOther, other]) each.dispose();
  });

  it('read a stream like any other model', () => {
    const model = tuned();
    const whole = logitsOf(model, tokens);
    const memory = model.memory(2);
    const parts = [0, 4].map((from) =>
      backend.scope(() => {
        const part = backend.empty([2, from === 0 ? 4 : 5], 'int32');
        backend.kernels.copyBlock({ x: tokens, from, count: part.shape[1]!, y: part });
        return backend.readSync!(model.forward(new Tape(backend, { record: false }), part, { memory }).value);
      }),
    );
    const [, last] = parts;
    expect(relativeError(last!.slice(-11), whole.slice(-11))).toBeLessThan(1e-9);
    memory.dispose();
    model.dispose();
  });

  it('leave nothing behind, whatever is refused on the way', async () => {
    const call = () => {
      const model = lora(base, { rank: 2 });
      try {
        mergeAdapted(model).dispose();
      } finally {
        model.dispose();
      }
    };
    expect(await leftBehind(backend, call)).toEqual([]);
  });

  it.each([
    ['no rank', { rank: 0 }, /^rank is 0; expected a whole number of at least 1/],
    ['an α of nothing', { rank: 1, alpha: 0 }, /^alpha is 0; expected a number above 0/],
    ['no target', { rank: 1, targets: [] }, /^targets .*expected some of q_proj/],
    ['another target', { rank: 1, targets: ['lm_head'] }, /^targets is "lm_head"; expected some of q_proj/],
    ['an option that there is not', { rank: 1, dropout: 0.1 }, /dropout/],
  ])('%s is refused', (_, options, message) => {
    expect(() => lora(base, options as never)).toThrow(message);
  });

  it('of an adapted model, and merging one that is not, are refused', () => {
    const model = tuned();
    expect(() => lora(model, { rank: 1 })).toThrow(/adapted already.*mergeAdapted/);
    expect(() => mergeAdapted(base)).toThrow(/expected one that lora has made/);
    model.dispose();
  });
});

it('weights that are not trained get no gradient, and the others the same as ever', () => {
  const trainable = (name: string) => name.includes('.1.mlp.') || name === 'model.norm.weight';
  const frozen = Model.create(backend, config, { seed: 1, trainable });
  const names = [...frozen.parameters.keys()].filter(trainable);
  expect([...frozen.trained.keys()]).toEqual(names);
  expect(reached(frozen, frozen.parameters)).toEqual(names);
  frozen.dispose();
});
