import { ConfigError } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import type { TensorToStore } from './api';
import { FormatError } from './errors';
import { openSafetensors, type SafetensorsSource } from './openSafetensors';
import { planShards } from './shards';
import { serializeSafetensors } from './write';

const tensors = new Map<string, TensorToStore>(
  ['a', 'b', '__proto__', 'long', 'e'].map((name, i) => [
    name,
    { shape: [name === 'long' ? 5 : 2], data: Float32Array.from({ length: name === 'long' ? 5 : 2 }, (_, n) => n + i) },
  ]),
);
const types = [...tensors].map(([name, { shape }]) => [name, { dtype: 'F32', shape }] as const);

/** A folder in memory; what was read of it is counted. */
function folder(files: Record<string, Uint8Array | string>): SafetensorsSource & { readonly bytesRead: () => number } {
  const bytes = new Map(
    Object.entries(files).map(([name, file]) => [
      name,
      typeof file === 'string' ? new TextEncoder().encode(file) : file,
    ]),
  );
  let read = 0;
  return {
    bytesRead: () => read,
    size: (name) => Promise.resolve(bytes.get(name)?.length),
    read(name, begin, end) {
      read += end - begin;
      return Promise.resolve(bytes.get(name)!.slice(begin, end));
    },
  };
}

function sharded(): Record<string, Uint8Array | string> {
  const { shards, index } = planShards(types, 16);
  const pick = (names: readonly string[]) => names.map((name) => [name, tensors.get(name)!] as const);
  const files = shards.map(({ file, names }) => [file, serializeSafetensors(pick(names), { format: 'pt' })] as const);
  return { ...Object.fromEntries(files), 'model.safetensors.index.json': index };
}

describe('shards', () => {
  it('are filled in order up to the limit; what is larger has one of its own', () => {
    expect(planShards(types, 16).shards.map(({ names }) => names)).toEqual([
      ['a', 'b'],
      ['__proto__'],
      ['long'],
      ['e'],
    ]);
    expect(planShards(types, 1000).shards).toEqual([
      { file: 'model-00001-of-00001.safetensors', names: [...tensors.keys()] },
    ]);
    expect(planShards([], 1).shards).toEqual([]);
    for (const limit of [0, 1.5, NaN]) expect(() => planShards(types, limit)).toThrow(ConfigError);
  });

  it('open as one model, tensor by tensor', async () => {
    const source = folder(sharded());
    const model = await openSafetensors(source);
    const heads = source.bytesRead();
    expect([...model.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    expect(model.metadata).toEqual({ format: 'pt' });
    for (const [name, { data }] of tensors) expect((await model.read(name)).toFloat32()).toEqual(data);
    expect(source.bytesRead() - heads).toBe(4 * (2 + 2 + 2 + 5 + 2));
    await expect(model.read('none')).rejects.toThrow(FormatError);
  });

  it('stand behind a single file where both are there', async () => {
    const single = serializeSafetensors([['x', { shape: [], data: Float32Array.of(7) }]]);
    const model = await openSafetensors(folder({ ...sharded(), 'model.safetensors': single }));
    expect([...model.tensors.keys()]).toEqual(['x']);
  });

  const first = 'model-00001-of-00004.safetensors';
  const index = (map: unknown) => ({ 'model.safetensors.index.json': JSON.stringify({ weight_map: map }) });
  it.each<[string, Record<string, Uint8Array | string>, string]>([
    ['nothing at all', {}, 'there is no file somewhere/model.safetensors'],
    ['no index that is JSON', { 'model.safetensors.index.json': '{' }, 'cannot be read'],
    ['an index without files', { 'model.safetensors.index.json': '{}' }, 'weight_map is undefined'],
    ['a file outside the folder', index({ a: '../a.safetensors' }), 'file of "a" is "../a.safetensors"'],
    ['a file of another kind', index({ a: 'a.bin' }), 'file of "a" is "a.bin"'],
    ['a shard that is missing', index({ a: 'a.safetensors' }), 'there is no file somewhere/a.safetensors'],
    ['a tensor that its shard lacks', { ...sharded(), ...index({ a: first, b: first, c: first }) }, 'the tensor "c"'],
    ['a tensor that the index lacks', { ...sharded(), ...index({ a: first }) }, 'the tensor "b"'],
    [
      'a shard cut short',
      { ...sharded(), [first]: (sharded()[first] as Uint8Array).slice(0, -1) },
      'length of the file',
    ],
  ])('%s is refused', async (_, files, message) => {
    const opened = openSafetensors(folder(files), undefined, { source: 'somewhere' });
    await expect(opened).rejects.toThrow(FormatError);
    await expect(opened).rejects.toThrow(message);
  });

  it('keep to the limits', async () => {
    await expect(openSafetensors(folder(sharded()), undefined, { maxTensors: 4 })).rejects.toThrow('at most 4');
    await expect(openSafetensors(folder(sharded()), undefined, { maxHeaderBytes: 100 })).rejects.toThrow('100 bytes');
  });
});
