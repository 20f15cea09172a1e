/**
 * Tensors of a backend as a safetensors file. They are written and read one by one, so that at no time there is a second
 * copy of all of them.
 */

import type { DType, Shape, Tensor, TypedArray } from '@sympow/kernels';
import {
  encoderOf,
  layOutSafetensors,
  openSafetensors,
  type OpenSafetensors,
  type StoredDType,
  type StoredTensor,
} from '@sympow/safetensors';
import type { Storage } from '@sympow/storage';
import { CheckpointError, ofCheckpoint, readingCheckpoint } from './errors';
import { orDamage } from './checksums';
import type { Origin } from './formats/api';

const stored: { readonly [D in DType]: StoredDType } = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int32: 'I32',
};

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

/** Opens a safetensors file, or its shards. @throws CheckpointError if there is none or it is damaged */
export function openTensors(storage: Storage, name: string): Promise<OpenSafetensors> {
  return readingCheckpoint(() => openSafetensors(storage, name, { source: storage.path }));
}

/** Tensors of a file by their names there: those here that are read from each, and where from. */
type Readings = ReadonlyMap<string, readonly { readonly key: string; readonly origin: Origin }[]>;

/**
 * Checks that a file holds the tensors of these shapes and no others.
 *
 * @returns what is read from each tensor of the file
 * @throws CheckpointError that names the first difference
 */
export function requireTensors(
  { tensors }: Pick<OpenSafetensors, 'tensors'>,
  shapes: ReadonlyMap<string, { readonly shape: Shape }>,
  path: string,
  { origin, ignores }: Foreign = {},
): Readings {
  const remedy = 'Check that the files of the checkpoint belong together.';
  const readings = new Map<string, { key: string; origin: Origin }[]>();
  for (const key of shapes.keys()) {
    const place = origin?.(key) ?? { name: key };
    readings.set(place.name, [...(readings.get(place.name) ?? []), { key, origin: place }]);
  }
  const stray = [...tensors.keys()].find((name) => !readings.has(name) && !ignores?.test(name));
  if (stray !== undefined) {
    const expected = 'only those of this model';
    throw new CheckpointError({ what: `a tensor in ${path}`, value: stray, expected, remedy });
  }
  for (const [name, read] of readings) {
    for (const { key, origin: place } of read) {
      const shape = place.shape ?? shapes.get(key)!.shape;
      const found = tensors.get(name)?.shape;
      if (found?.join() === shape.join()) continue;
      const value = found ? `[${found.join(', ')}]` : 'missing';
      throw new CheckpointError({ what: `${name} in ${path}`, value, expected: `[${shape.join(', ')}]`, remedy });
    }
  }
  return readings;
}

/** How tensors stand in files of somebody else. */
export interface Foreign {
  readonly origin?: ((name: string) => Origin) | undefined;
  readonly ignores?: RegExp | undefined;
}

/**
 * Reads a safetensors file or shards into tensors, one by one in the order of the file, converting their elements. If it fails,
 * some of the tensors may have been written.
 *
 * @throws CheckpointError if there is no such file, it is damaged, or it holds others than these tensors
 */
export function readTensors(
  storage: Storage,
  name: string,
  into: ReadonlyMap<string, Tensor>,
  foreign?: Foreign,
): Promise<void> {
  return orDamage(storage, name, async () => {
    const file = await openTensors(storage, name);
    const readings = requireTensors(file, into, `${storage.path}/${name}`, foreign);
    for (const key of file.tensors.keys()) {
      const read = readings.get(key);
      if (!read) continue;
      const stored = await readingCheckpoint(() => file.read(key));
      for (const { key: own, origin } of read) {
        const tensor = into.get(own)!;
        const values = ofCheckpoint(() => elements(stored, tensor.dtype));
        tensor.backend.write(tensor, origin.map?.(values, stored.shape) ?? values);
      }
    }
  });
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
