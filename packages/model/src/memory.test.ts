import { Tape } from '@sympow/autograd';
import { ConfigError, js, ShapeError, type Backend } from '@sympow/kernels';
import type { SavedMemory } from '@sympow/recurrence';
import { livelyModel, logitsOf, relativeError, tinyConfig, tinyConfigs, tokensOf } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { modelSize, variants } from './config';
import { restoreMemory, type ModelMemory } from './memory';
import type { Model } from './model';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();
const quiet = { record: false };

/** Logits of tokens [B, T] read in pieces from the memory's position to `end`, as [B, T, V]. */
function stream(
  model: Model,
  memory: ModelMemory,
  numbers: Int32Array,
  [B, T]: [number, number],
  rhythm: number[],
  end = T,
) {
  const { backend, config } = model;
  const V = config.vocabSize;
  const logits = new Float64Array(B * T * V);
  for (let i = 0; memory.position < end; i++) {
    const from = memory.position;
    const count = Math.min(rhythm[i % rhythm.length]!, end - from);
    backend.scope(() => {
      const rows = Int32Array.from(
        { length: B * count },
        (_, at) => numbers[Math.floor(at / count) * T + from + (at % count)]!,
      );
      const answer = model.forward(new Tape(backend, quiet), backend.upload(rows, [B, count]), { memory });
      backend.readSync!(answer.value).forEach((x, at) => {
        logits[(Math.floor(at / (count * V)) * T + from) * V + (at % (count * V))] = x;
      });
    });
  }
  return logits;
}

const tokens = (backend: Backend, config: Model['config'], B: number, T: number) =>
  Int32Array.from(backend.readSync!(tokensOf(backend, config, B, T)));

describe.each(tinyConfigs)('streamed, $name', ({ config }) => {
  const [B, T] = [2, 140];
  const model = livelyModel(exact, config);
  const numbers = tokens(exact, config, B, T);
  const expected = logitsOf(model, tokensOf(exact, config, B, T));

  it.each([[1], [70, 1, 5], [130, 1]].map((rhythm) => ({ rhythm })))(
    'in pieces of $rhythm, logits are those of the whole',
    ({ rhythm }) => {
      const memory = model.memory(B);
      expect(relativeError(stream(model, memory, numbers, [B, T], rhythm), expected)).toBeLessThan(1e-8);
      memory.dispose();
    },
  );

  it('and saved and restored on the way', async () => {
    for (const position of [1, 63, 100]) {
      const first = model.memory(B);
      const before = stream(model, first, numbers, [B, T], [20, 1], position);
      const second = restoreMemory(model, await first.save());
      expect(second.position).toBe(position);
      const after = stream(model, second, numbers, [B, T], [1, 30]);
      expect(
        relativeError(
          before.map((x, i) => x + after[i]!),
          expected,
        ),
        `at ${position}`,
      ).toBeLessThan(1e-8);
    }
  });
});

it.each(Object.entries(variants))('in float32 as well: %s', (_, settings) => {
  const config = tinyConfig(settings);
  const numbers = tokens(single, config, 1, 140);
  const expected = logitsOf(livelyModel(exact, config), tokensOf(exact, config, 1, 140));
  const model = livelyModel(single, config);
  expect(relativeError(stream(model, model.memory(), numbers, [1, 140], [1]), expected)).toBeLessThan(1e-4);
});

describe('the memory of a model', () => {
  const config = tinyConfig();
  const model = livelyModel(single, config);

  it('takes what modelSize says, however much was read', () => {
    const memory = model.memory();
    const { stateBytes } = modelSize(config, { batch: 1, context: 1 });
    expect(memory.bytes).toBe(stateBytes);
    stream(model, memory, tokens(single, config, 1, 200), [1, 200], [1, 70]);
    expect(memory.bytes).toBe(stateBytes);
    expect(memory.position).toBe(200);
  });

  it('grows with softmax, and then modelSize says how much a context takes', () => {
    const softmax = livelyModel(single, tinyConfig(variants.softmax));
    const memory = softmax.memory();
    stream(softmax, memory, tokens(single, config, 1, 600), [1, 600], [100]);
    const { stateBytes, cacheBytes } = modelSize(softmax.config, { batch: 1, context: 600 });
    expect(stateBytes).toBe(0);
    expect(memory.bytes).toBeGreaterThanOrEqual(cacheBytes);
    expect(memory.bytes).toBeLessThan(2 * cacheBytes);
  });

  it('saves the public state of every layer by name, and goes on unchanged', async () => {
    const memory = model.memory(2);
    stream(model, memory, tokens(single, config, 2, 30), [2, 30], [1]);
    const saved = await memory.save();
    expect(Object.entries(saved.tensors).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`)).toEqual([
      'layers.0.S [2, 2, 10, 4]',
      'layers.0.Z [2, 2, 10]',
      'layers.0.phase [2, 2, 2]',
      'layers.1.S [2, 2, 10, 4]',
      'layers.1.Z [2, 2, 10]',
      'layers.1.phase [2, 2, 2]',
    ]);
    expect(await memory.save()).toEqual(saved);
  });

  it('is given back by dispose', () => {
    const before = single.memory().liveBuffers;
    model.memory(3).dispose();
    expect(single.memory().liveBuffers).toBe(before);
  });

  it.each<[string, (saved: SavedMemory) => SavedMemory, new (...details: never[]) => Error, RegExp]>([
    [
      'another number of layers',
      ({ tensors, ...saved }) => ({ ...saved, tensors: { 'layers.0.S': tensors['layers.0.S']! } }),
      ConfigError,
      /^layers in the saved state is 1; expected 2/,
    ],
    [
      'a tensor that is missing',
      ({ tensors: { 'layers.1.Z': _, ...tensors }, ...saved }) => ({ ...saved, tensors }),
      ConfigError,
      /without Z/,
    ],
    [
      'a tensor of another shape',
      ({ tensors, ...saved }) => ({
        ...saved,
        tensors: { ...tensors, 'layers.1.Z': { shape: [2], data: new Float32Array(2) } },
      }),
      ShapeError,
      /^shape of Z in the saved memory is .*2.*; expected \[1, 2, 10\]/,
    ],
  ])('is not restored from %s', async (_, change, kind, message) => {
    const saved = change(await model.memory().save());
    expect(() => restoreMemory(model, saved)).toThrow(kind);
    expect(() => restoreMemory(model, saved)).toThrow(message);
  });

  it('is not restored from a model of another kind', async () => {
    const softmax = livelyModel(single, tinyConfig(variants.softmax));
    const saved = await model.memory().save();
    expect(() => restoreMemory(softmax, saved)).toThrow(/^the saved memory is "without k"/);
  });

  it('refuses documents without gates to forget by, and says what to do', () => {
    const ungated = livelyModel(single, tinyConfig({ gate: 'none' }));
    const memory = ungated.memory();
    const reset = single.upload(Int32Array.of(0, 1, 0), [1, 3]);
    expect(() =>
      ungated.forward(new Tape(single, quiet), single.upload(Int32Array.of(1, 2, 3), [1, 3]), { memory, reset }),
    ).toThrow(
      'the memory is "without gates"; expected one with gateWidth 1, for resets. Begin each document with a fresh memory.',
    );
    expect(memory.position).toBe(0);
  });
});
