// Tokens one after another in a file, with where documents end, what they mean and their tokenizer beside it.
import type { FolderStorage } from '@sympow/storage';
import type { TokenArray, Tokenizer } from '../api';
import type { BinMeta } from '../datasets/bin';
import type { Written } from './journal';
import type { Writer } from './writer';

/**
 * @param place - the folder that the file will lie in
 * @param partial - the name of the folder in it that holds what is under way
 */
export async function binWriter(
  place: FolderStorage,
  partial: string,
  out: string,
  tokenizer: Tokenizer,
  written: Written,
): Promise<Writer> {
  const dtype = tokenizer.vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const Ids = dtype === 'uint16' ? Uint16Array : Uint32Array;
  const folder = place.folder(partial);
  // A run that was killed while files got their names has moved the first of them already.
  const moved = written.documents > 0 && (await folder.size('index')) === undefined;
  const tokens = moved ? undefined : await folder.grow('tokens', written.tokens * Ids.BYTES_PER_ELEMENT);
  const index = moved ? undefined : await folder.grow('index', written.documents * 8);
  let count = written.tokens;
  const { endOfText } = tokenizer;

  return {
    async add(document: TokenArray) {
      const ids = new Ids(document.length + (endOfText === undefined ? 0 : 1));
      ids.set(document);
      if (endOfText !== undefined) ids[document.length] = endOfText;
      count += ids.length;
      await tokens!.append(new Uint8Array(ids.buffer));
      await index!.append(new Uint8Array(BigUint64Array.of(BigInt(count)).buffer));
      return ids.length;
    },
    async flush() {
      await tokens?.flush();
      await index?.flush();
    },
    async finish({ documents, tokens: total }) {
      const meta: BinMeta = {
        version: 1,
        tokenizer: tokenizer.name,
        vocabSize: tokenizer.vocabSize,
        endOfText: endOfText ?? null,
        documents,
        tokens: total,
        dtype,
      };
      await folder.write('tokenizer.json', JSON.stringify(tokenizer));
      await folder.write('json', `${JSON.stringify(meta, null, 2)}\n`);
      // The tokens come last: where they are, all is there.
      const names = { index: '.index', 'tokenizer.json': '.tokenizer.json', json: '.json', tokens: '' };
      for (const [from, suffix] of Object.entries(names)) {
        if ((await folder.size(from)) !== undefined) await place.lift(partial, from, `${out}${suffix}`);
      }
      await place.remove(partial);
    },
    async close() {
      await tokens?.close();
      await index?.close();
    },
  };
}
