import { Tape } from '@sympow/autograd';
import { textSource, tokenSource, trainingBatches, type Batch } from '@sympow/data';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { Model, modelConfig, variants, type ModelOptions, type Variant } from '@sympow/model';
import { beforeAll, describe, expect, it } from 'vitest';
import { AdamW } from './adamw';
import { heldOutLoss, heldOutStreams, lossOf } from './loss';
import { trainingStep } from './step';

let backend: Backend;
let wide: Backend;
beforeAll(async () => {
  backend = await js().open();
  wide = await js({ float: 'float64' }).open();
});

const config = (options: ModelOptions = {}) =>
  modelConfig({ vocabSize: 7, hiddenSize: 8, layers: 2, heads: 2, headSize: 4, rotaryHorizon: 64, ...options });

/** Batches of B rows of T tokens from documents of these lengths: shorter ones are packed and reset. */
function batchesOf(lengths: readonly number[], batch: number, context: number) {
  const documents = lengths.map((length, d) => ({
    name: `${d}`,
    tokens: Int32Array.from({ length }, (_, i) => (i * i + d) % 7),
  }));
  return trainingBatches(tokenSource(documents, { vocabSize: 7 }), { batch, context, seed: 5 });
}

async function weightsOf(model: Model): Promise<number[]> {
  const all = await Promise.all([...model.parameters.values()].map(({ value }) => value.read()));
  return all.flatMap((numbers) => [...numbers]);
}

/** One update of a fresh model; the loss, the norm and what the weights have become. */
async function updated(on: Backend, pieces: readonly Batch[], options: ModelOptions = {}) {
  const model = Model.create(on, config(options), { seed: 1 });
  const optimizer = new AdamW(on, model.parameters, model.decays, { eps: 1, clip: Infinity });
  const { loss, squaredNorm } = trainingStep(model, optimizer, pieces, 0.1);
  return {
    loss: (await loss.read())[0]!,
    norm: Math.sqrt((await squaredNorm.read())[0]!),
    weights: await weightsOf(model),
  };
}

describe('an update', () => {
  it.each(Object.keys(variants) as Variant[])(
    'lowers the loss of the batch that it was made from: %s',
    async (name) => {
      const batch = await batchesOf([100, 5, 3, 4], 3, 12).next();
      const model = Model.create(backend, config(variants[name]), { seed: 2 });
      const optimizer = new AdamW(backend, model.parameters, model.decays);
      const before = await lossOf(model, batch);
      expect(Math.abs(before - Math.log(7))).toBeLessThan(0.1);
      const { loss } = trainingStep(model, optimizer, [batch], 0.01);
      expect((await loss.read())[0]).toBeCloseTo(before, 5);
      expect(await lossOf(model, batch)).toBeLessThan(before - 0.01);
    },
  );

  it.each(Object.keys(variants) as Variant[])('is the same in pieces as at once, up to rounding: %s', async (name) => {
    // Documents of 3 to 9 tokens have different numbers of targets in every row, and resets.
    const lengths = [3, 9, 4, 8, 5, 7];
    const whole = batchesOf(lengths, 6, 11);
    const parts = batchesOf(lengths, 2, 11);
    const once = await updated(wide, [await whole.next()], variants[name]);
    const pieces = [await parts.next(), await parts.next(), await parts.next()];
    expect(new Set(pieces.map(({ targets }) => targets.filter((t) => t >= 0).length)).size).toBeGreaterThan(1);
    const many = await updated(wide, pieces, variants[name]);
    expect(many.loss).toBeCloseTo(once.loss, 12);
    expect(many.norm).toBeCloseTo(once.norm, 12);
    many.weights.forEach((weight, i) => expect(weight).toBeCloseTo(once.weights[i]!, 11));
  });

  it('goes down the gradient of the mean over targets', async () => {
    const batch = await batchesOf([4, 5, 6, 3], 2, 9).next();
    const model = Model.create(wide, config(), { seed: 1 });
    const name = 'model.layers.1.mlp.up_proj.weight';
    const { value } = model.parameters.get(name)!;
    const weights = Float64Array.from(await value.read());
    const moved = async (by: number) => {
      wide.write(
        value,
        weights.map((w, i) => (i === 10 ? w + by : w)),
      );
      return lossOf(model, batch);
    };
    const slope = ((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5;
    wide.write(value, weights);
    // With betas of 0 and a large eps, the first update is −learningRate·g/(|g| + eps).
    const optimizer = new AdamW(wide, model.parameters, model.decays, {
      beta1: 0,
      beta2: 0,
      eps: 1e6,
      weightDecay: 0,
      clip: Infinity,
    });
    trainingStep(model, optimizer, [batch], 1e6);
    expect(weights[10]! - (await value.read())[10]!).toBeCloseTo(slope, 8);
  });

  it('takes documents in a row as if each stood alone', async () => {
    const text = 'abcabd'.split('').map((char) => char.charCodeAt(0) - 97);
    const packed: Batch = {
      batch: 1,
      context: 6,
      inputs: Int32Array.from([...text.slice(0, 3), ...text.slice(3)]),
      targets: Int32Array.of(1, 2, -1, 1, 3, -1),
      resets: Int32Array.of(0, 0, 0, 1, 0, 0),
      spans: [],
    };
    const alone: Batch = { ...packed, batch: 2, context: 3, resets: undefined };
    for (const name of Object.keys(variants) as Variant[]) {
      const one = await updated(wide, [packed], variants[name]);
      const two = await updated(wide, [alone], variants[name]);
      expect(one.loss).toBeCloseTo(two.loss, 9);
      expect(one.norm).toBeCloseTo(two.norm, 9);
    }
  });

  it('leaves the memory of the device as it was, from the second on without asking for more', async () => {
    const model = Model.create(backend, config());
    const optimizer = new AdamW(backend, model.parameters, model.decays);
    const batches = batchesOf([40, 50, 5, 6], 4, 16);
    const live: number[] = [];
    const allocations: number[] = [];
    for (let step = 1; step <= 100; step++) {
      const { loss, squaredNorm } = trainingStep(model, optimizer, [await batches.next(), await batches.next()], 1e-3);
      loss.dispose();
      squaredNorm.dispose();
      live.push(backend.memory().liveBuffers);
      allocations.push(backend.memory().allocations);
    }
    expect([live[9], live[99]]).toEqual([live[0], live[0]]);
    expect(new Set(allocations.slice(1)).size).toBe(1);
  });

  it('refuses nothing to learn from, and tokens that the model does not know', async () => {
    const model = Model.create(backend, config());
    const optimizer = new AdamW(backend, model.parameters, model.decays);
    expect(() => trainingStep(model, optimizer, [], 0.1)).toThrow(ConfigError);
    const batch = await batchesOf([50], 1, 4).next();
    for (const wrong of [
      { inputs: Int32Array.of(0, 7, 0, 0) },
      { inputs: Int32Array.of(0, -1, 0, 0) },
      { targets: Int32Array.of(0, 7, 0, 0) },
    ]) {
      await expect(lossOf(model, { ...batch, ...wrong })).rejects.toThrow(/a token is (7|-1); expected 0 to 6/);
    }
  });
});

describe('the loss of a batch', () => {
  it('is that of every target alike, without any it is 0, and it leaves nothing behind', async () => {
    const model = Model.create(backend, config());
    const before = backend.memory().liveBuffers;
    const batch = await batchesOf([4, 5], 2, 7).next();
    const tape = new Tape(backend, { record: false });
    const { inputs, targets, resets } = batch;
    const upload = (numbers: Int32Array) => backend.upload(numbers, [2, 7]);
    const losses = await backend
      .scope((keep) => keep(model.loss(tape, upload(inputs), upload(targets), { reset: upload(resets!) }).value))
      .read();
    const mean = [...losses].reduce((a, b) => a + b, 0) / targets.filter((target) => target >= 0).length;
    expect(await lossOf(model, batch)).toBeCloseTo(mean, 5);
    expect(await lossOf(model, { ...batch, targets: new Int32Array(14).fill(-1) })).toBe(0);
    expect(backend.memory().liveBuffers).toBe(before + 1);
  });

  it('on held-out data weighs rows by their targets, and stops when told to', async () => {
    const data = textSource('0123456789012345678901234567');
    const model = Model.create(backend, config({ vocabSize: 256 }));
    const streams = heldOutStreams({ data, every: 1, rows: 3, batch: 2, context: 5 });
    expect(streams.count).toBe(3);
    let sum = 0;
    for await (const group of streams) {
      for await (const piece of group.pieces(5)) sum += group.batch * (await lossOf(model, piece));
    }
    expect(await heldOutLoss(model, streams, undefined)).toBeCloseTo(sum / 3, 6);
    expect(await heldOutLoss(model, streams, AbortSignal.abort())).toBeUndefined();
  });
});
