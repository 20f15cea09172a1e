import { js } from '@sympow/kernels';
import { modelConfig, variants, type ModelOptions } from '@sympow/model';
import { describe, expect, it } from 'vitest';
import { excess, requireRoom, trainedInVain, type Room } from './room';

const config = (power: number, more: ModelOptions = {}) =>
  modelConfig({
    ...variants.conformal,
    ...{ vocabSize: 256, hiddenSize: 128, layers: 4, heads: 4, headSize: 32, power },
    ...more,
  });
const { capabilities } = await js().open();
const room: Room = { name: 'wasm', capabilities: { ...capabilities, maxTensorBytes: 2 ** 31, maxBytes: 2 ** 32 } };

describe('room for the state of a model', () => {
  it('is there for p = 2, and for a cache of any size', () => {
    expect(excess(config(2), room, 8)).toBeUndefined();
    expect(excess(config(40, { attention: 'softmax' }), room, 1e6)).toBeUndefined();
  });

  it('is missing for p = 8 with d = 32, which is said with the bytes', () => {
    const said = trainedInVain(config(8), room);
    expect(said).toMatch(
      /state takes 1\d\d\.\d GiB for one stream, 29\.3 GiB of it in one tensor, .* at most 2\.0 GiB/,
    );
    expect(() => requireRoom(config(8), room, 1)).toThrow(/Use a smaller power/);
  });

  it('can be missing for a batch that has too many streams', () => {
    const one = excess(config(4), room, 1);
    expect(one).toBeUndefined();
    expect(() => requireRoom(config(4), room, 256)).toThrow(/256 streams.*Use a smaller batch/);
  });

  it('can be missing for all layers together', () => {
    expect(excess(config(4, { layers: 400 }), room, 1)).toMatch(/where the backend wasm has at most 4\.0 GiB/);
  });
});
