/** Generation token by token, near the beginning of a text and far into it: speed and memory. */

import { Tape } from '@sympow/autograd';
import { generate, Session } from '@sympow/inference';
import { kindOf, memoryShape, restoreMemory, type Model, type ModelMemory } from '@sympow/model';
import type { SavedMemory, SavedTensor } from '@sympow/recurrence';
import type { Benchmark } from '../benchmark';
import { expectClose, WrongResult } from '../check';
import { race, type Side } from '../measure';
import { logitsOf } from '../modelDefinition';
import { normals, tokens } from '../numbers';
import { modelOf, smallModel, weightsOf } from '../training';

const near = 128;
const layers = 2;
/** Tokens of one run. The window of a power layer is folded into its state once in 64. */
const bursts = { power: 64, softmax: 8 };

export const decode: Benchmark = {
  name: 'decode',
  summary: `tokens/s and bytes of generation at position ${near} and far into a text`,
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const far = quick ? 8192 : 65_536;
    const create = (variant: 'conformal' | 'softmax') => modelOf(backend, smallModel(variant, layers));
    const [power, softmax] = [create('conformal'), create('softmax')];
    for (const model of [power, softmax]) await expectDefinition(model);
    const early = await memoryAt(power, near);
    say(
      quick ? `the memory of position ${near} is taken for that of ${far}` : `the conformal model reads ${far} tokens`,
    );
    const late = quick ? early : await memoryAt(power, far);
    if (late.bytes !== early.bytes)
      throw new WrongResult(`the memory at position ${far} takes ${late.bytes} bytes, at ${near} ${early.bytes}`);
    const sides = {
      near: side(power, early.saved),
      far: side(power, { ...late.saved, position: far }),
      softmaxNear: side(softmax, inventedCache(softmax, near)),
      softmaxFar: side(softmax, inventedCache(softmax, far)),
    };
    const seconds = await race(sides, { ...pace, warmUp: 2 * pace.warmUp, budget: 2 * pace.budget });
    const speed = (name: keyof typeof sides) =>
      bursts[name.startsWith('softmax') ? 'softmax' : 'power'] / seconds[name];
    const at = (position: number) => `conformal, ${layers} layers of 128, position ${position}`;
    const peerName = 'our softmax';
    yield { shape: at(far), ours: speed('far'), peer: speed('near'), peerName: `position ${near}`, unit: 'tokens/s' };
    yield { shape: at(near), ours: speed('near'), peer: speed('softmaxNear'), peerName, unit: 'tokens/s' };
    yield { shape: at(far), ours: speed('far'), peer: speed('softmaxFar'), peerName, unit: 'tokens/s' };
    if (!quick)
      yield { shape: at(far), ours: late.bytes, peer: early.bytes, peerName: `position ${near}`, unit: 'bytes' };
    for (const position of [near, far]) {
      yield {
        shape: at(position),
        ours: bytes(power, position),
        peer: bytes(softmax, position),
        peerName,
        unit: 'bytes',
      };
    }
    for (const used of [...Object.values(sides), power, softmax]) used.dispose();
  },
};

/** A burst of generation that begins at the same position in every round. */
function side(model: Model, saved: SavedMemory): Side & { dispose(): void } {
  let memory = restoreMemory(model, saved);
  const advance = async (maxTokens: number) => {
    const stream = generate(model, { prompt: [32], maxTokens, session: new Session(model, memory), seed: 1 });
    while (!(await stream.next()).done);
  };
  return {
    prepare: async () => {
      memory.dispose();
      memory = restoreMemory(model, saved);
      // The first token makes room where a cache is full.
      await advance(1);
    },
    run: () => advance(bursts[kindOf(model.config, 0).grows ? 'softmax' : 'power']),
    dispose: () => memory.dispose(),
  };
}

/** A memory that has read a text, in pieces that bound what the reading takes, and the bytes that it held then. */
async function memoryAt(model: Model, position: number): Promise<{ saved: SavedMemory; bytes: number }> {
  const text = tokens('text', position, model.config.vocabSize);
  const memory = model.memory();
  while (memory.position < position) {
    const piece = text.subarray(memory.position, Math.min(position, memory.position + 512));
    advance(model, memory, piece).dispose();
    await model.backend.finish();
  }
  const { bytes } = memory;
  const saved = await memory.save();
  memory.dispose();
  return { saved, bytes };
}

/** Logits [V] after one more piece of a text; they belong to the caller. */
function advance(model: Model, memory: ModelMemory, piece: Int32Array) {
  const { backend, config } = model;
  return backend.scope((keep) => {
    const tape = new Tape(backend, { record: false });
    const logits = model.forward(tape, backend.upload(piece, [1, piece.length]), { memory, lastOnly: true });
    return keep(backend.view(logits.value, [config.vocabSize]));
  });
}

/** A full cache of keys and values that nothing was read for: what stands in it does not change the time. */
function inventedCache({ config }: Model, position: number): SavedMemory {
  const { B, G, d, e } = memoryShape(config, 1);
  const tensors: Record<string, SavedTensor> = {};
  for (let layer = 0; layer < config.layers; layer++) {
    const add = (name: string, shape: readonly number[]) => {
      const full = `layers.${layer}.${name}`;
      const size = shape.reduce((a, b) => a * b, 1);
      tensors[full] = { shape, data: normals(full, size) };
    };
    add('k', [B, position, G, d]);
    add('v', [B, position, G, e]);
    add('phase', [B, G, d / 2]);
  }
  return { position, tensors };
}

/** What a stream holds after `position` tokens. */
function bytes({ recurrences, config }: Model, position: number): number {
  return recurrences.reduce((sum, layer) => sum + layer.memoryBytes(memoryShape(config, 1), position), 0);
}

/** Token by token, through two folds of the window, against the definition of the model. */
async function expectDefinition(model: Model): Promise<void> {
  const { config } = model;
  const V = config.vocabSize;
  const text = tokens('text', 2 * bursts.power + 8, V);
  const weights = weightsOf(config);
  const expected = logitsOf(config, new Map([...weights].map(([name, { data }]) => [name, data])), text);
  const memory = model.memory();
  for (let t = 0; t < text.length; t++) {
    const logits = advance(model, memory, text.subarray(t, t + 1));
    const what = `the logits at position ${t} (${kindOf(config, 0).name})`;
    expectClose(what, await logits.read(), expected.subarray(t * V, (t + 1) * V), 1e-4);
    logits.dispose();
  }
  memory.dispose();
}
