import { Tape } from '@sympow/autograd';
import { DataError, evaluationStreams, tokenSource, type EvaluationStreams, type TokenSource } from '@sympow/data';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { Model, modelConfig, variants, type ModelOptions, type Variant } from '@sympow/model';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LossByPosition, LossByPositionOptions, LossProgress } from './api';
import { lossByPosition } from './lossByPosition';

const V = 24;
const small = { vocabSize: V, hiddenSize: 16, layers: 2, heads: 4, keyValueHeads: 2, headSize: 4, rotaryHorizon: 128 };

/** Documents of the given lengths, of tokens below V with some order in them. */
function source(...lengths: number[]): TokenSource {
  let x = 12345;
  const next = () => (x = (Math.imul(x, 1103515245) + 12345) >>> 1) % V;
  const documents = lengths.map((length, i) => ({ name: `${i}`, tokens: Int32Array.from({ length }, next) }));
  return tokenSource(documents, { vocabSize: V });
}

/** A model whose gates, phases and logits are far from where they start. */
function lively(backend: Backend, settings: ModelOptions): Model {
  const model = Model.create(backend, modelConfig({ ...small, betaInit: 'normal', ...settings }), { seed: 7 });
  for (const [name, { value }] of model.parameters) {
    if (name.endsWith('gate_proj.bias')) backend.kernels.fill({ value: 3, y: value });
    else if (!name.includes('norm')) backend.kernels.add({ a: value, b: value, scale: 9, y: value });
  }
  return model;
}

async function run(model: Model, streams: EvaluationStreams, options?: LossByPositionOptions) {
  const progress: LossProgress[] = [];
  let result: LossByPosition | undefined;
  for await (const event of lossByPosition(model, streams, options)) {
    expect(result, 'the result is the last event').toBe(undefined);
    if (event.type === 'progress') progress.push(event);
    else result = event.result;
  }
  return { progress, result: result! };
}

/** The losses of one stream from one forward pass over the whole of it. */
async function forward(model: Model, tokens: Int32Array): Promise<ArrayLike<number>> {
  const { backend } = model;
  const upload = (ids: Int32Array) => backend.upload(ids, [1, ids.length]);
  const loss = backend.scope((keep) => {
    const tape = new Tape(backend, { record: false });
    return keep(model.loss(tape, upload(tokens.subarray(0, -1)), upload(tokens.subarray(1))).value);
  });
  const values = await loss.read();
  loss.dispose();
  return values;
}

let backend: Backend;
beforeEach(async () => {
  backend = await js({ float: 'float64' }).open();
});
afterEach(() => backend.close());

describe('loss by position', () => {
  const length = 200;
  const text = source(length + 1, 2 * length + 2);

  it.each(Object.keys(variants) as Variant[])('of %s is that of one pass over the whole stream', async (variant) => {
    const model = lively(backend, variants[variant]);
    const streams = evaluationStreams(text, { length, batch: 2 });
    const whole: ArrayLike<number>[] = [];
    for await (const { spans } of streams) {
      for (const { document, from } of spans) {
        whole.push(await forward(model, await text.read(document, from, from + length + 1)));
      }
    }
    expect(whole).toHaveLength(3);
    const spread = [...(whole[0] as Float64Array)].map((nats) => Math.abs(nats - Math.log(V)));
    expect(Math.max(...spread), 'the model says something').toBeGreaterThan(0.5);
    for (const piece of [1, 17, 64, 100, 128, 200, 999]) {
      const { result } = await run(model, streams, { piece, first: 8, edges: [100] });
      expect(result.bins.map(({ to }) => to)).toEqual([8, 16, 32, 64, 100, length]);
      for (const [row, stream] of result.streams.entries()) {
        result.bins.forEach(({ from, to }, bin) => {
          const losses = Array.from({ length: to - from }, (_, i) => whole[row]![from + i]!);
          const mean = losses.reduce((a, b) => a + b, 0) / (to - from);
          expect(Math.abs(stream.nats[bin]! - mean), `piece ${piece}, stream ${row}, bin ${from}`).toBeLessThan(1e-7);
        });
      }
    }
  });

  it('counts streams, documents, tokens and bytes', async () => {
    const model = lively(backend, variants.conformal);
    const streams = evaluationStreams(text, { length, batch: 2 });
    const { result, progress } = await run(model, streams, { piece: 64, bytesPerToken: 2 });
    expect(result).toMatchObject({ length, documents: 2, tokens: 3 * length });
    expect(result.streams.map(({ document, from }) => [document, from])).toEqual([
      [0, 0],
      [1, 0],
      [1, length + 1],
    ]);
    expect(result.bitsPerByte).toBeCloseTo(result.nats / Math.log(2) / 2, 12);
    expect(result.nats).toBeCloseTo(progress.at(-1).nats, 12);
    expect(result.best!.nats).toBe(Math.min(...result.bins.map(({ nats }) => nats)));
    expect(progress.map(({ position }) => position)).toEqual([64, 128, 192, 200, 64, 128, 192, 200]);
    expect(progress.map(({ streams: done }) => done)).toEqual([0, 0, 0, 2, 2, 2, 2, 3]);
    expect(progress.map(({ tokens }) => tokens)).toEqual([128, 256, 384, 400, 464, 528, 592, 600]);
    expect(result.tokensPerSecond).toBeGreaterThan(0);
    const memory = model.memory(1);
    expect(result.stateBytes).toBe(memory.bytes);
    // Keys, values and gates of 2 heads in 2 layers, and phases as head and tail.
    expect(result.cacheBytes).toBe(4 * 2 * 2 * (length * 9 + 4));
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('has a cache that was really there with softmax, and no state', async () => {
    const { result, progress } = await run(
      lively(backend, variants.softmax),
      evaluationStreams(text, { length, batch: 2 }),
    );
    expect(result.stateBytes).toBe(0);
    expect(result.cacheBytes).toBe(progress[0]!.memoryBytes / 2);
    expect(result.bitsPerByte).toBe(null);
  });

  it('of a model that knows nothing is log V everywhere, without spread', async () => {
    const model = Model.create(backend, modelConfig({ ...small, ...variants.gated }));
    for (const { value } of model.parameters.values()) backend.kernels.fill({ value: 0, y: value });
    const { result } = await run(model, evaluationStreams(text, { length: 100, batch: 8 }));
    for (const { nats, stderr } of [...result.bins, result]) {
      expect(nats).toBeCloseTo(Math.log(V), 12);
      expect(stderr).toBeCloseTo(0, 12);
    }
  });

  it('has no standard error for one stream', async () => {
    const { result } = await run(lively(backend, {}), evaluationStreams(text, { length, maximum: 1 }));
    expect([result, ...result.bins].map(({ stderr }) => stderr)).toEqual(result.bins.map(() => null).concat(null));
    expect(result.bins.every(({ nats }) => nats > 0)).toBe(true);
  });

  it('is NaN, not an error, where the model’s numbers are', async () => {
    const model = lively(backend, variants.gated);
    backend.kernels.fill({ value: NaN, y: model.parameters.get('model.norm.weight')!.value });
    const { result } = await run(model, evaluationStreams(text, { length }));
    expect(result).toMatchObject({ nats: NaN, stderr: null, best: null });
  });
});

describe('the pace of an evaluation', () => {
  it('charges each piece with its own time, where the next one is computed before it is read', async () => {
    const model = lively(backend, {});
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const loss = model.loss.bind(model);
    vi.spyOn(model, 'loss').mockImplementation((tape, tokens, ...rest) => {
      // One second for each position.
      clock += 1000 * tokens.shape[1]!;
      return loss(tape, tokens, ...rest);
    });
    const streams = evaluationStreams(source(50, 50), { length: 48, batch: 2 });
    const { result } = await run(model, streams, { piece: 8 });
    vi.restoreAllMocks();
    expect(result.pace.map(({ to, tokensPerSecond }) => [to, tokensPerSecond])).toEqual(
      [8, 16, 32, 48].map((to) => [to, 2]),
    );
    model.dispose();
  });
});

describe('memory of an evaluation', () => {
  it('stays flat from 1,000 to 16,000 tokens with power attention', async () => {
    const model = lively(backend, { ...variants.conformal, layers: 1, heads: 2 });
    const before = backend.memory().liveBuffers;
    const seen: unknown[] = [];
    for await (const event of lossByPosition(
      model,
      evaluationStreams(source(16_001, 16_001), { length: 16_000, batch: 2 }),
    )) {
      if (event.type !== 'progress') break;
      const { liveBuffers, liveBytes, peakBytes, allocations } = backend.memory();
      if (event.position > 1000 && event.position < 15_000) {
        seen.push(JSON.stringify({ liveBuffers, liveBytes, peakBytes, allocations, memory: event.memoryBytes }));
      }
    }
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen).size).toBe(1);
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('is given back by whoever stops early', async () => {
    const model = lively(backend, variants.gated);
    const before = backend.memory().liveBuffers;
    for await (const event of lossByPosition(model, evaluationStreams(source(900), { length: 800 }), { piece: 64 })) {
      expect(backend.memory().liveBuffers).toBeGreaterThan(before);
      if (event.type === 'progress' && event.position > 100) break;
    }
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('is given back after an abort, which timers can ask for', async () => {
    const model = lively(backend, variants.gated);
    const before = backend.memory().liveBuffers;
    const streams = evaluationStreams(source(100_001), { length: 100_000 });
    const slow = lossByPosition(model, streams, { piece: 64, signal: AbortSignal.timeout(120) });
    await expect(
      (async () => {
        for await (const event of slow) expect(event.type).toBe('progress');
      })(),
    ).rejects.toThrow('timeout');
    expect(backend.memory().liveBuffers).toBe(before);
    const aborted = lossByPosition(model, streams, { signal: AbortSignal.abort(new Error('no')) });
    await expect(aborted.next()).rejects.toThrow('no');
  });
});

describe('hostile evaluations', () => {
  it('of streams of one prediction', async () => {
    const { result } = await run(lively(backend, {}), evaluationStreams(source(2, 2, 2), { length: 1, batch: 2 }));
    expect(result.bins).toMatchObject([{ from: 0, to: 1, count: 3 }]);
    expect(result.bins[0]!.stderr).toBeGreaterThan(0);
  });

  it('of nothing', () => {
    const model = lively(backend, {});
    expect(() => evaluationStreams(source(), { length: 4 })).toThrow(DataError);
    const none: EvaluationStreams = { ...evaluationStreams(source(9), { length: 4 }), count: 0 };
    expect(() => lossByPosition(model, none)).toThrow(DataError);
  });

  it('of shorter and longer streams than announced', async () => {
    const model = lively(backend, {});
    const [short, long] = [
      evaluationStreams(source(20), { length: 10 }),
      evaluationStreams(source(40), { length: 28 }),
    ];
    const both = async function* () {
      yield* short;
      yield* long;
    };
    const { result } = await run(model, { count: 2, length: 28, [Symbol.asyncIterator]: both }, { first: 10 });
    expect(result.bins.map(({ count, stderr }) => [count, stderr === null])).toEqual([
      [20, false],
      [18, true],
    ]);
    await expect(run(model, { count: 2, length: 10, [Symbol.asyncIterator]: both })).rejects.toThrow(DataError);
  });

  it('of another tokenizer', async () => {
    const other = tokenSource([{ name: 'a', tokens: Int32Array.of(1, 2, V, 3) }], { vocabSize: V + 1 });
    await expect(run(lively(backend, {}), evaluationStreams(other, { length: 3 }))).rejects.toThrow(
      `a token near position 1 is ${V}; expected at least 0 and less than the model's vocabulary of ${V}`,
    );
  });

  it.each([0, -64, 1.5, NaN])('in pieces of %s', (piece) => {
    const streams = evaluationStreams(source(9), { length: 4 });
    expect(() => lossByPosition(lively(backend, {}), streams, { piece })).toThrow(ConfigError);
    expect(() => lossByPosition(lively(backend, {}), streams, { bytesPerToken: -1 })).toThrow(ConfigError);
  });
});
