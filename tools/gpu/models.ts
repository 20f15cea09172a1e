// A model of 124 million parameters: its training steps, and what it writes.
import { modelConfig, variants, type ModelConfig } from '@sympow/model';
import { Training } from '../bench/src/training';
import { decodeOn } from './decode';
import type { Subject } from './subject';

export function configOf({ tiny }: Subject): ModelConfig {
  return modelConfig(
    tiny
      ? { ...variants.conformal, vocabSize: 256, hiddenSize: 32, layers: 1, heads: 2, headSize: 16 }
      : { ...variants.conformal, vocabSize: 50304, rotaryHorizon: 65536 },
  );
}

/** Steps on one row of each length, with the loss before and after. */
export async function training(subject: Subject, lengths: readonly number[]): Promise<void> {
  for (const T of subject.tiny ? [64] : lengths) {
    if (subject.left() < 8) return;
    const backend = await subject.open();
    const model = new Training(backend, configOf(subject), { B: 1, T });
    const before = (await model.look()).loss;
    const ms = await subject.time(backend, () => model.step(), { rounds: 3, least: 1 });
    const after = (await model.look()).loss;
    const GiB = backend.memory().peakBytes / 2 ** 30;
    subject.say(`training 1×${T}`, { ms, tokensPerSecond: (1e3 * T) / ms, before, after, GiB });
    await backend.close();
  }
}

export async function decode(subject: Subject): Promise<void> {
  const backend = await subject.open();
  for await (const { shape, figures } of decodeOn(backend, configOf(subject), subject.tiny))
    subject.say(shape, figures);
}
