import { Tape, type Variable } from '@sympow/autograd';
import { js, Random, ShapeError } from '@sympow/kernels';
import { kinds } from '@sympow/recurrence';
import { livelyModel, logitsOf, relativeError, tinyConfig, tinyConfigs, tokensOf } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { variants } from './config';
import { CheckpointError } from './errors';
import { Model } from './model';

const softmax = kinds.find(({ name }) => name === 'softmax');

const exact = await js({ float: 'float64' }).open();
const quiet = { record: false };

describe.each(tinyConfigs)('$name', ({ config }) => {
  const [B, T] = [2, 6];

  it('has logits for every token, or for the last alone', () => {
    const model = livelyModel(exact, config);
    const tokens = tokensOf(exact, config, B, T);
    exact.scope(() => {
      const tape = new Tape(exact, quiet);
      const [all, last] = [model.forward(tape, tokens), model.forward(tape, tokens, { lastOnly: true })];
      expect(all.value.shape).toEqual([B, T, config.vocabSize]);
      expect(last.value.shape).toEqual([B, 1, config.vocabSize]);
      const rows = (x: Variable, t: number) =>
        Array.from(exact.readSync!(x.value)).filter(
          (_, i) => Math.floor(i / config.vocabSize) % x.value.shape[1]! === t,
        );
      expect(relativeError(rows(last, 0), rows(all, T - 1))).toBeLessThan(1e-12);
    });
  });

  it('has gradients that are slopes of its loss, for every parameter', () => {
    const model = livelyModel(exact, config);
    const tokens = tokensOf(exact, config, B, T);
    const targets = exact.upload(
      Int32Array.from({ length: B * T }, (_, i) => (i === 3 ? -1 : (5 * i) % config.vocabSize)),
      [B, T],
    );
    const weights = new Random(3, 'loss').fillNormal(new Float64Array(B * T));
    const loss = (): number =>
      exact.scope(() => {
        const losses = exact.readSync!(model.loss(new Tape(exact, quiet), tokens, targets).value);
        return weights.reduce((sum, w, i) => sum + w * losses[i]!, 0);
      });
    const gradients = exact.scope(() => {
      const tape = new Tape(exact);
      tape.backward([[model.loss(tape, tokens, targets), exact.upload(weights, [B, T])]]);
      return new Map(
        [...model.parameters].map(([name, each]) => [
          name,
          Float64Array.from(exact.readSync!(tape.gradientOrZero(each))),
        ]),
      );
    });
    for (const [name, { value }] of model.trained) {
      const gradient = gradients.get(name)!;
      const start = Float64Array.from(exact.readSync!(value));
      const direction = new Random(4, name).fillNormal(new Float64Array(value.size));
      const lossAt = (step: number) => {
        exact.write(
          value,
          start.map((x, i) => x + step * direction[i]!),
        );
        return loss();
      };
      const slope = (8 * (lossAt(2e-5) - lossAt(-2e-5)) - (lossAt(4e-5) - lossAt(-4e-5))) / 24e-5;
      exact.write(value, start);
      const along = gradient.reduce((sum, x, i) => sum + x * direction[i]!, 0);
      expect(Math.hypot(...gradient), name).toBeGreaterThan(0);
      expect(Math.abs(along - slope), name).toBeLessThan(1e-6 * Math.hypot(...gradient));
    }
  });

  it('answers the same in every form', () => {
    const tokens = tokensOf(exact, config, B, 40);
    const expected = logitsOf(livelyModel(exact, config, { form: 'attention' }), tokens);
    if (config.attention === softmax) return;
    for (const compute of [
      { form: 'recurrent' },
      { form: 'chunked', chunk: 7 },
      { form: 'chunked', chunk: 16 },
    ] as const) {
      expect(relativeError(logitsOf(livelyModel(exact, config, compute), tokens), expected), compute.form).toBeLessThan(
        1e-9,
      );
    }
  });

  it('does not look ahead', () => {
    const model = livelyModel(exact, config);
    const tokens = tokensOf(exact, config, 1, 10);
    const before = logitsOf(model, tokens);
    const changed = Int32Array.from(exact.readSync!(tokens));
    changed[7] = (changed[7]! + 1) % config.vocabSize;
    exact.write(tokens, changed);
    const after = logitsOf(model, tokens);
    const upTo = (x: Float64Array, t: number) => x.slice(0, t * config.vocabSize);
    expect(upTo(after, 7)).toEqual(upTo(before, 7));
    expect(upTo(after, 8)).not.toEqual(upTo(before, 8));
  });
});

describe('documents packed in one row', () => {
  it.each(Object.entries(variants))('are documents apart: %s', (_, settings) => {
    const config = tinyConfig(settings);
    const model = livelyModel(exact, config);
    const [B, T, cut] = [1, 20, 8];
    const tokens = tokensOf(exact, config, B, T);
    const numbers = Int32Array.from(exact.readSync!(tokens));
    const reset = exact.upload(
      Int32Array.from({ length: T }, (__, t) => Number(t === cut)),
      [B, T],
    );
    const packed = exact.scope(() =>
      Float64Array.from(exact.readSync!(model.forward(new Tape(exact, quiet), tokens, { reset }).value)),
    );
    const apart = [numbers.subarray(0, cut), numbers.subarray(cut)].map((part) =>
      logitsOf(model, exact.upload(part, [1, part.length])),
    );
    expect(relativeError(packed, [...apart[0]!, ...apart[1]!])).toBeLessThan(1e-9);
  });
});

describe('memory of a training step', () => {
  it('is what it was before, and the second step asks for none', () => {
    const model = livelyModel(exact, tinyConfig());
    const tokens = tokensOf(exact, model.config, 2, 70);
    const step = () =>
      exact.scope(() => {
        const tape = new Tape(exact);
        const losses = model.loss(tape, tokens, tokens);
        tape.backward([[losses, exact.upload(new Float64Array(140).fill(1), [2, 70])]]);
        return exact.readSync!(tape.gradient(model.parameters.get('model.norm.weight')!)!);
      });
    const before = exact.memory().liveBuffers;
    step();
    const { allocations, liveBuffers } = exact.memory();
    expect(liveBuffers).toBe(before);
    step();
    expect(exact.memory()).toMatchObject({ allocations, liveBuffers });
    model.dispose();
    expect(exact.memory().liveBuffers).toBeLessThan(before);
  });
});

describe('a model refuses', () => {
  const config = tinyConfig();

  it.each([[[4]], [[1, 2, 2]], [[1, 0]]])('tokens of shape %j', (shape) => {
    const model = livelyModel(exact, config);
    const tokens = exact.upload(new Int32Array(shape.reduce((a, b) => a * b)), shape);
    expect(() => model.forward(new Tape(exact, quiet), tokens)).toThrow(ShapeError);
    expect(() => model.forward(new Tape(exact, quiet), tokens)).toThrow(
      /^shape of the tokens is .*; expected \[B, T\] with T of at least 1\.$/,
    );
  });

  it('weights that are missing, of another size, or not its own', () => {
    const model = livelyModel(exact, config);
    const weights = new Map([...model.parameters].map(([name, { value }]) => [name, exact.readSync!(value)]));
    const changed = (change: (all: typeof weights) => void) => {
      const copy = new Map(weights);
      change(copy);
      return () => Model.fromWeights(exact, config, copy);
    };
    expect(changed(() => undefined)).not.toThrow();
    expect(changed((all) => all.delete('model.norm.weight'))).toThrow(CheckpointError);
    expect(changed((all) => all.delete('model.norm.weight'))).toThrow(/^weight model.norm.weight is .*missing/);
    expect(changed((all) => all.set('model.norm.weight', new Float64Array(7)))).toThrow(
      /7 numbers.*; expected 8 numbers, \[8\]/,
    );
    expect(changed((all) => all.set('lm_head.weight', new Float64Array(7)))).toThrow(
      /a weight is "?lm_head.weight"?; expected only weights/,
    );
  });
});

it('an option that Model.create does not have is named', async () => {
  const backend = await js().open();
  const typo = { sede: 1 } as { seed?: number };
  expect(() => Model.create(backend, tinyConfig(), typo)).toThrow('Model.create has no option "sede"');
  expect(backend.memory().liveBuffers).toBe(0);
});
