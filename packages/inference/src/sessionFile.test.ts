import { js } from '@sympow/kernels';
import { encodeSafetensors, parseSafetensors, serializeSafetensors } from '@sympow/safetensors';
import { CheckpointError, fingerprintOf, memoryStorage, Model, variants, type Storage } from '@sympow/model';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { generate } from './generate';
import { Session } from './session';
import { loadSession, saveSession } from './sessionFile';

const backend = await js().open();
const config = tinyConfig();
const model = livelyModel(backend, config);

async function tokensOf(of: Model, session: Session, prompt: number[] = [], maxTokens = 8): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of generate(of, { prompt, maxTokens, session })) tokens.push(token);
  return tokens;
}

/** A file with a session in the middle of a text. */
async function saved(of = model): Promise<Storage> {
  const session = new Session(of);
  await tokensOf(of, session, [1, 2, 3]);
  session.text = { tokens: [4, 5], held: 'st' };
  const storage = memoryStorage();
  await saveSession(storage, 'state', session);
  session.dispose();
  return storage;
}

const metadataOf = async (storage: Storage) => parseSafetensors(await storage.read('state')).metadata;

/** The same file with other metadata. */
async function changed(storage: Storage, metadata: Record<string, string>): Promise<Storage> {
  const { tensors } = parseSafetensors(await storage.read('state'));
  const stored = [...tensors].map(([name, { shape, ...tensor }]) => {
    const data = new Float32Array(tensor.data.slice().buffer);
    return [name, { shape, data }] as const;
  });
  const copy = memoryStorage();
  await copy.write('state', encodeSafetensors(stored, { ...(await metadataOf(storage)), ...metadata }));
  return copy;
}

describe('a session in a file', () => {
  it('comes back as it was', async () => {
    const session = new Session(model);
    await tokensOf(model, session, [1, 2, 3]);
    session.text = { tokens: [4, 5], held: 'st' };
    const storage = memoryStorage();
    await saveSession(storage, 'state', session);
    const back = await loadSession(storage, 'state', model);
    expect(back.unread).toEqual(session.unread);
    expect(back.random!.save()).toEqual(session.random!.save());
    expect(back.text).toEqual(session.text);
    expect(await back.memory.save({ exact: true })).toEqual(await session.memory.save({ exact: true }));
  });

  it('keeps float64, and may begin with nothing', async () => {
    const exact = await js({ float: 'float64' }).open();
    const other = livelyModel(exact, config);
    const empty = memoryStorage();
    await saveSession(empty, 'state', new Session(other));
    const whole = new Session(other);
    const expected = await tokensOf(other, whole, [1, 2]);
    expect(await tokensOf(other, await loadSession(empty, 'state', other), [1, 2])).toEqual(expected);
    await saveSession(empty, 'state', whole);
    const back = await loadSession(empty, 'state', other);
    expect(await back.memory.save({ exact: true })).toEqual(await whole.memory.save({ exact: true }));
    // The weights are those of the float32 model, and so is the fingerprint.
    expect(await fingerprintOf(other)).toBe(await fingerprintOf(model));
  });

  it.each(['softmax', 'conformal', 'delta'] as const)(
    'with states of halves goes on to the last bit: %s',
    async (name) => {
      const lengths = [];
      for (const states of ['float32', 'float16', 'bfloat16'] as const) {
        const half = livelyModel(backend, tinyConfig({ ...variants[name], states }));
        const session = new Session(half);
        await tokensOf(half, session, [1, 2, 3], 70);
        const storage = memoryStorage();
        await saveSession(storage, 'state', session);
        const bytes = await storage.read('state');
        lengths.push(bytes.length);
        const stored = [...parseSafetensors(bytes).tensors].filter(([name]) => /\.(S|Z|k|v)$/.test(name));
        const dtype = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' }[states];
        expect(new Set(stored.map(([, tensor]) => tensor.dtype))).toEqual(new Set([dtype]));
        const back = await loadSession(storage, 'state', half);
        expect(await back.memory.save({ exact: true })).toEqual(await session.memory.save({ exact: true }));
        expect(await tokensOf(half, back, [], 70)).toEqual(await tokensOf(half, session, [], 70));
        expect(await back.memory.save({ exact: true })).toEqual(await session.memory.save({ exact: true }));
      }
      expect(lengths[1]).toBeLessThan(lengths[0]!);
      expect(Math.abs(lengths[2]! - lengths[1]!)).toBeLessThan(9); // "BF16" in place of "F16"
    },
  );

  it('of version 1 is read still: it holds the public state alone', async () => {
    const session = new Session(model);
    await tokensOf(model, session, [1, 2, 3], 0);
    const { position, tensors } = await session.memory.save();
    const metadata = { format: 'sympow-state', version: '1', position: String(position) };
    const storage = memoryStorage();
    await storage.write('state', serializeSafetensors(Object.entries(tensors), metadata));
    const back = await loadSession(storage, 'state', model);
    expect(back.memory.position).toBe(2);
    expect(await tokensOf(model, back, [3])).toEqual(await tokensOf(model, session, []));
    await expect(tokensOf(model, await loadSession(storage, 'state', model))).rejects.toThrow(/no token to go on from/);
  });
});

describe('a session is not gone on with, and nothing stays allocated,', () => {
  const other = Model.create(backend, config, { seed: 1 });
  const cases: [string, () => Promise<Storage>, Model, RegExp][] = [
    ['where there is no file', async () => memoryStorage(), model, /there is no file memory\/state/],
    ['with other weights', saved, other, /memory\/state was saved by a model with other weights or settings/],
    [
      'with other settings of the same shape',
      saved,
      livelyModel(backend, tinyConfig({ rotaryHorizon: 101 })),
      /memory\/state was saved by a model with other weights or settings/,
    ],
    ['with another number of layers', saved, livelyModel(backend, tinyConfig({ layers: 3 })), /^layers in the saved/],
    ['with another power', saved, livelyModel(backend, tinyConfig({ power: 4 })), /^shape of S in the saved memory/],
    [
      'by another kind of attention',
      saved,
      livelyModel(backend, tinyConfig(variants.softmax)),
      /^the saved memory is "without k"/,
    ],
    ['without its fingerprint', async () => changed(await saved(), { model: '' }), model, /other weights or settings/],
    ['of a later version', async () => changed(await saved(), { version: '3' }), model, /no state that this version/],
    ['without a position', async () => changed(await saved(), { position: 'x' }), model, /no state that this version/],
  ];
  const lies: [string, string][] = [
    ['no JSON', '{'],
    ['null', 'null'],
    ['a token outside the vocabulary', '{"unread":[11]}'],
    ['half a token', '{"unread":[0.5]}'],
    ['another generator', '{"random":{"generator":"dice","seed":1,"stream":"sampling","position":0}}'],
    ['a place in no stream', '{"random":{"generator":"philox4x32-10","seed":1,"stream":"sampling","position":-1}}'],
    ['text that is none', '{"text":{"tokens":[],"held":7}}'],
    ['tokens of a text that are none', '{"text":{"tokens":[-1],"held":""}}'],
  ];
  for (const [name, session] of lies) {
    cases.push([
      `with ${name}`,
      async () => changed(await saved(), { session }),
      model,
      /^session in memory\/state is/,
    ]);
  }
  it.each(cases)('%s', async (_, make, of, message) => {
    const storage = await make();
    const before = backend.memory().liveBuffers;
    for (let again = 0; again < 3; again++) {
      await expect(loadSession(storage, 'state', of)).rejects.toThrow(message);
    }
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('and what is wrong with a file is a CheckpointError', async () => {
    const storage = await saved();
    await storage.write('state', (await storage.read('state')).slice(0, 500));
    await expect(loadSession(storage, 'state', model)).rejects.toThrow(CheckpointError);
  });
});
