// A saved session: a model's memory, and what stands beside it.
import { js, Random } from '@sympow/kernels';
import { Session, loadSession, saveSession } from '@sympow/inference';
import { memoryStorage, Model, modelConfig } from '@sympow/model';
import { parseSafetensors, serializeSafetensors } from '@sympow/safetensors';
import fc from 'fast-check';
import { changedBytes, changedJSON } from '../inputs';
import { target } from '../target';

const backend = await js().open();
const model = Model.create(backend, modelConfig({ vocabSize: 11, hiddenSize: 8, layers: 1, heads: 1, headSize: 4 }));
const rest = { unread: [3], random: new Random(1, 'x').save(), text: { tokens: [1, 2], held: 'a' } };
const whole = memoryStorage();
await saveSession(whole, 'state', new Session(model));
const bytes = await whole.read('state', 0, await whole.size('state'));
const { metadata, tensors } = parseSafetensors(bytes);

/** The session with this beside its memory. */
function withRest(session: unknown): Uint8Array {
  const entries = [...tensors].map(([name, tensor]) => {
    return [name, { shape: tensor.shape, data: tensor.toFloat32() }] as const;
  });
  return serializeSafetensors(entries, { ...metadata, session: JSON.stringify(session) ?? '' });
}

export const session = target({
  name: 'session',
  share: 0.5,
  inputs: fc.oneof(changedBytes(bytes, withRest(rest)), changedJSON(rest).map(withRest)),
  async run(bytes) {
    const storage = memoryStorage();
    await storage.write('state', bytes);
    const live = backend.memory().liveBuffers;
    try {
      (await loadSession(storage, 'state', model)).dispose();
    } finally {
      const left = backend.memory().liveBuffers - live;
      if (left !== 0) throw new Error(`${left} buffers are left`);
    }
  },
});
