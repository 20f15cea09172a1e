import { expect, it } from 'vitest';
import { samples } from '../samples';
import { zarrChunks } from './zarrChunks';

it.each(samples.map((chunk, i) => [i, chunk.codecs.join(', '), chunk] as const))(
  'begins with chunks that are right: sample %d of [%s]',
  async (_, __, chunk) => {
    await expect(zarrChunks.run({ chunk, sharded: undefined, damaged: 'fail' })).resolves.toBeUndefined();
  },
);
