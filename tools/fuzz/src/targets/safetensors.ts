// Files of safetensors: the header, the types, the numbers.
import { openSafetensors, parseSafetensors, parseShardIndex, serializeSafetensors } from '@sympow/safetensors';
import fc from 'fast-check';
import { changedBytes, changedJSON, changedText } from '../inputs';
import { target } from '../target';

const whole = serializeSafetensors(
  [
    ['a', { shape: [2, 3], data: new Float32Array(6) }],
    ['b', { shape: [], data: Int32Array.of(7) }],
  ],
  { format: 'pt' },
);
/** A file with this header, whatever it is, and some bytes behind it. */
function withHeader(header: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header) ?? '');
  const file = new Uint8Array(8 + text.length + 64);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const types = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'I64', 'I32', 'I16', 'I8', 'U64', 'U8', 'BOOL'];
const headers = types.map((dtype) => ({
  __metadata__: { format: 'pt' },
  a: { dtype, shape: [2, 2], data_offsets: [0, 4 * (Number(/\d+/.exec(dtype)?.[0] ?? 8) / 8)] },
}));

export const safetensors = target({
  name: 'safetensors',
  inputs: fc.oneof(
    fc.record({ kind: fc.constant('file'), bytes: changedBytes(whole) }),
    fc.record({ kind: fc.constant('file'), bytes: changedJSON(...headers).map(withHeader) }),
    fc.record({
      kind: fc.constant('index'),
      bytes: changedText({ metadata: { total_size: 4 }, weight_map: { a: 'x-1.safetensors', b: 'x-2.safetensors' } }),
    }),
  ),
  async run({ kind, bytes }) {
    if (kind === 'index') return void parseShardIndex(bytes);
    const failures: unknown[] = [];
    try {
      for (const [, tensor] of parseSafetensors(bytes).tensors) tensor.toFloat32();
    } catch (error) {
      failures.push(error);
    }
    const source = {
      size: (name: string) => Promise.resolve(name === 'model.safetensors' ? bytes.length : undefined),
      read: (_: string, begin: number, end: number) => Promise.resolve(bytes.slice(begin, end)),
    };
    try {
      const { tensors, read } = await openSafetensors(source);
      for (const name of tensors.keys()) await read(name);
    } catch (error) {
      failures.push(error);
    }
    for (const failure of failures) throw failure;
  },
});
