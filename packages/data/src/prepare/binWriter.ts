// Tokens one after another in a file, with where documents end, what they mean and their tokenizer beside it.
import type { TokenArray, Tokenizer } from '../api';
import type { BinMeta } from '../datasets/bin';
import { codeOf, nodeFiles } from '../runtime';
import { makeFolder, openGrowing, rename, writeWhole } from './files';
import type { Written } from './journal';
import type { Writer } from './writer';

export async function binWriter(folder: string, out: string, tokenizer: Tokenizer, written: Written): Promise<Writer> {
  const { fs, path } = nodeFiles();
  const dtype = tokenizer.vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const Ids = dtype === 'uint16' ? Uint16Array : Uint32Array;
  await makeFolder(folder);
  const at = (name: string) => path.join(folder, name);
  // A run that was killed while files got their names has moved the first of them already.
  const moved = written.documents > 0 && !(await exists(at('index')));
  const tokens = moved ? undefined : await openGrowing(at('tokens'), written.tokens * Ids.BYTES_PER_ELEMENT);
  const index = moved ? undefined : await openGrowing(at('index'), written.documents * 8);
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
      await writeWhole(at('tokenizer.json'), JSON.stringify(tokenizer));
      await writeWhole(at('json'), `${JSON.stringify(meta, null, 2)}\n`);
      // The tokens come last: where they are, all is there.
      const names = { index: '.index', 'tokenizer.json': '.tokenizer.json', json: '.json', tokens: '' };
      for (const [from, suffix] of Object.entries(names)) {
        if (await exists(at(from))) await rename(at(from), `${out}${suffix}`);
      }
      await fs.rm(folder, { recursive: true });
    },
    async close() {
      await tokens?.close();
      await index?.close();
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await nodeFiles().fs.stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
