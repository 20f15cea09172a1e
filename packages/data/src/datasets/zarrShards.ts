// Where chunks lie in the files that hold several: each file says it in an index of offsets and lengths.
//
// https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html
import { ByteCache, fileAt, type Storage } from '@sympow/storage';
import { withoutChecksum } from '../crc32c';
import { Damage } from './codecs/damage';
import type { ShardLayout, ZarrLayout } from './zarrLayout';

/** Most bytes of indices that are kept. */
const KEPT = 2 ** 24;

/** Both numbers of a chunk that is not stored. */
const NOWHERE = 2n ** 64n - 1n;

/** A stretch of a file. */
export interface Stretch {
  readonly storage: Storage;
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Finds chunks in their files; undefined where one is not stored. Throws Damage where an index is wrong. */
export function openShards(storage: Storage, layout: ZarrLayout, shard: ShardLayout, most: number) {
  const [down, across] = shard.chunks;
  const size = 16 * down * across + (shard.checksum ? 4 : 0);
  const indices = new ByteCache<DataView>(KEPT);

  async function indexOf(folder: Storage, name: string): Promise<DataView> {
    const bytes = await folder.size(name);
    if (bytes === undefined) return new DataView(new ArrayBuffer(0));
    const begin = shard.atEnd ? bytes - size : 0;
    const stored = await folder.read(name, begin, begin + size);
    const index = shard.checksum ? withoutChecksum(stored) : stored;
    if (!index) throw new Damage('the checksum of its shard’s index is wrong');
    return new DataView(index.buffer, index.byteOffset, index.byteLength);
  }

  return async (row: number, column: number): Promise<Stretch | undefined> => {
    const key = layout.key(Math.floor(row / down), Math.floor(column / across));
    const { storage: folder, name } = fileAt(storage, key);
    const index = await indices.get(key, () => indexOf(folder, name));
    if (index.byteLength === 0) return undefined;
    const at = 16 * ((row % down) * across + (column % across));
    const [begin, length] = [at, at + 8].map((place) => index.getBigUint64(place, !shard.swapped)) as [bigint, bigint];
    if (begin === NOWHERE && length === NOWHERE) return undefined;
    if (length > BigInt(most) || begin > BigInt(Number.MAX_SAFE_INTEGER - most)) {
      throw new Damage(`its shard’s index has it at byte ${begin}, with ${length} bytes`);
    }
    return { storage: folder, name, begin: Number(begin), end: Number(begin + length) };
  };
}
