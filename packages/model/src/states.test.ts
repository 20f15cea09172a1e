// Streams whose states and caches are halves: read as float32, rounded once when they are written.
import { Tape } from '@sympow/autograd';
import { wasm } from '@sympow/backend-wasm';
import { js, type Backend } from '@sympow/kernels';
import type { Form } from '@sympow/recurrence';
import { livelyModel, logitsOf, relativeError, tinyConfig, tokensOf } from '@sympow-tools/tiny';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelOptions } from './api';
import { modelSize, variants } from './config';
import { kindsOfLayers } from './kindsOfLayers';
import { restoreMemory, type ModelMemory } from './memory';
import type { Model } from './model';

const backends: readonly Backend[] = [await js().open(), await wasm().open()];
afterAll(() => Promise.all(backends.map((backend) => backend.close())));

const kinds: readonly (readonly [string, ModelOptions])[] = [
  ['conformal', variants.conformal],
  ['p = 4, vector gates', { gate: 'vector', rotary: 'none', power: 4 }],
  ['no normalizer', { gate: 'data', rotary: 'data', power: 3, normalizer: 'none' }],
  ['softmax', { ...variants.softmax, gate: 'data' }],
  ['window', { attention: 'window', slidingWindow: 20, gate: 'data', rotary: 'fixed' }],
  ['wall', { attention: 'wall', gate: 'vector', rotary: 'none' }],
  ['mixed', { attention: 'mixed', gate: 'data', rotary: 'fixed' }],
  ['delta', variants.delta],
];
const halves = [
  ['float16', 2 ** -11],
  ['bfloat16', 2 ** -8],
] as const;
const T = 140;

/** Logits of tokens read on to `end`, in pieces. */
function read(model: Model, memory: ModelMemory, rhythm: readonly number[], end = T): number[] {
  const { backend } = model;
  const logits: number[] = [];
  for (let i = 0; memory.position < end; i++) {
    const from = memory.position;
    const count = Math.min(rhythm[i % rhythm.length]!, end - from);
    backend.scope(() => {
      const piece = backend.empty([1, count], 'int32');
      backend.kernels.copyBlock({ x: tokensOf(backend, model.config, 1, T), from, count, y: piece });
      const answer = model.forward(new Tape(backend, { record: false }), piece, { memory });
      logits.push(...backend.readSync!(answer.value));
    });
  }
  return logits;
}

describe.each(backends.map((backend) => [backend.name, backend] as const))('on %s', (_, backend) => {
  describe.each(kinds)('%s', (_, settings) => {
    const whole = tinyConfig(settings);
    const forms: readonly Form[] = ['attention', 'chunked', 'recurrent'];
    const expected = forms.map((form) => {
      const model = livelyModel(backend, whole, { form });
      return logitsOf(model, tokensOf(backend, whole, 1, T));
    });

    it.each(halves)('with states of %s answers as all forms do, within its digits', (states, roundoff) => {
      const model = livelyModel(backend, tinyConfig({ ...settings, states }));
      for (const rhythm of [[1], [70, 1, 5], [130, 1]]) {
        const memory = model.memory();
        const logits = read(model, memory, rhythm);
        for (const each of expected) expect(relativeError(logits, each)).toBeLessThan(12 * roundoff);
        expect(relativeError(logits, expected[0]!)).toBeGreaterThan(roundoff / 2000);
        memory.dispose();
      }
    });

    it.each(halves)('with states of %s goes on from what was saved, to the last bit', async (states) => {
      const model = livelyModel(backend, tinyConfig({ ...settings, states }));
      for (const position of [1, 64, 100]) {
        const memory = model.memory();
        read(model, memory, [20, 1], position);
        const saved = await memory.save({ exact: true });
        const kept = Object.entries(saved.tensors).filter(([name]) => /[.](S|Z|k|v)$/.test(name));
        expect(new Set(kept.map(([, { half }]) => half))).toEqual(new Set([states]));
        const other = restoreMemory(model, saved);
        expect(read(model, other, [1, 30])).toEqual(read(model, memory, [1, 30]));
        expect(await other.save({ exact: true })).toEqual(await memory.save({ exact: true }));
        for (const each of [memory, other]) each.dispose();
      }
    });

    it('takes the bytes that modelSize says, and as many on the device', () => {
      const bytes = ['float32', 'float16'].map((states) => {
        const config = tinyConfig({ ...settings, headSize: 16, states: states as 'float16' });
        const model = livelyModel(backend, config);
        const before = backend.memory().liveBytes;
        const memory = model.memory();
        const live = backend.memory().liveBytes - before;
        if (kindsOfLayers(config).every(({ grows }) => !grows))
          expect(memory.bytes).toBe(modelSize(config, { batch: 1, context: 8 }).stateBytes);
        memory.dispose();
        return [memory.bytes, live];
      }) as [[number, number], [number, number]];
      for (const i of [0, 1] as const) expect(bytes[1][i]).toBeLessThan(0.95 * bytes[0][i]);
    });
  });

  it('memories of other types are not copied from', () => {
    const [one, other] = (['float16', 'bfloat16'] as const).map((states) =>
      livelyModel(backend, tinyConfig({ states })).memory(2),
    ) as [ModelMemory, ModelMemory];
    expect(() => one.copyRow(0, other, 1)).toThrow(/memory to copy from .*bfloat16.*expected one of sizes .*float16/);
  });
});
