/**
 * Tensors of a backend as a safetensors file. They are written and read one by one, so that at no time there is a second
 * copy of all of them.
 */

import type { DType, Shape, Tensor, TypedArray } from '@sympow/kernels';
import {
  encoderOf,
  layOutSafetensors,
  readSafetensorsHeader,
  safetensorsHeadBytes,
  StoredTensor,
  type SafetensorsHeader,
  type StoredDType,
} from '@sympow/safetensors';
import { requireSize, type Storage } from '@sympow/storage';
import { CheckpointError, ofCheckpoint } from './errors';
import { orDamage } from './checksums';

const stored: { readonly [D in DType]: StoredDType } = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int32: 'I32',
};
/** Bytes that say how long the head of a file is. */
const headLengthBytes = 8;

/**
 * The contents of a safetensors file, for `storage.write`. A tensor is read from its backend when its turn comes: none may
 * change or be disposed of before the file is written.
 */
export async function* encodeTensors(
  tensors: ReadonlyMap<string, Tensor>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const types = [...tensors].map(([name, { dtype, shape }]) => [name, { dtype: stored[dtype], shape }] as const);
  const { head, names } = layOutSafetensors(types, { format: 'pt' });
  yield head;
  for (const name of names) {
    const tensor = tensors.get(name)!;
    yield encoderOf({ shape: tensor.shape, data: await tensor.read(), dtype: stored[tensor.dtype] })();
  }
}

/** Where the tensors lie in a safetensors file. @throws CheckpointError if there is none or it is damaged */
export async function readTensorHeader(storage: Storage, name: string): Promise<SafetensorsHeader> {
  const source = `${storage.path}/${name}`;
  const fileBytes = await requireSize(storage, name);
  const start = await storage.read(name, 0, Math.min(headLengthBytes, fileBytes));
  const headBytes = Math.min(
    ofCheckpoint(() => safetensorsHeadBytes(start, { source })),
    fileBytes,
  );
  const head = await storage.read(name, 0, headBytes);
  return ofCheckpoint(() => readSafetensorsHeader(head, { source, fileBytes }));
}

/**
 * Checks that a file holds the tensors of these shapes and no others.
 *
 * @throws CheckpointError that names the first difference
 */
export function requireTensors(
  { tensors }: SafetensorsHeader,
  shapes: ReadonlyMap<string, { readonly shape: Shape }>,
  path: string,
): void {
  const remedy = 'Check that the files of the checkpoint belong together.';
  for (const name of tensors.keys()) {
    if (shapes.has(name)) continue;
    throw new CheckpointError({
      what: `a tensor in ${path}`,
      value: name,
      expected: 'only those of this model',
      remedy,
    });
  }
  for (const [name, { shape }] of shapes) {
    const found = tensors.get(name)?.shape;
    if (found?.join() === shape.join()) continue;
    const value = found ? `[${found.join(', ')}]` : 'missing';
    throw new CheckpointError({ what: `${name} in ${path}`, value, expected: `[${shape.join(', ')}]`, remedy });
  }
}

/**
 * Reads a safetensors file into tensors, converting their elements. If it fails, some of the tensors may have been written.
 *
 * @throws CheckpointError if there is no such file, it is damaged, or it holds others than these tensors
 */
export function readTensors(storage: Storage, name: string, into: ReadonlyMap<string, Tensor>): Promise<void> {
  return orDamage(storage, name, () => readInto(storage, name, into));
}

async function readInto(storage: Storage, name: string, into: ReadonlyMap<string, Tensor>): Promise<void> {
  const header = await readTensorHeader(storage, name);
  requireTensors(header, into, `${storage.path}/${name}`);
  for (const [key, { dtype, shape, begin, end }] of header.tensors) {
    const tensor = into.get(key)!;
    const bytes = await storage.read(name, begin, end);
    const values = ofCheckpoint(() => elements(new StoredTensor(key, dtype, shape, bytes), tensor.dtype));
    tensor.backend.write(tensor, values);
  }
}

function elements(tensor: StoredTensor, dtype: DType): TypedArray {
  switch (dtype) {
    case 'float64':
      return tensor.toFloat64();
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return tensor.toFloat32();
    case 'int32':
      return tensor.toInt32();
  }
}
