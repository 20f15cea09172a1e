/** The tokenizer that lies beside a model. */

import { byteTokenizer, tokenizerFromJSON, type Tokenizer } from '@sympow/data';
import { CheckpointError, readJson, type Model } from '@sympow/model';
import type { Storage } from '@sympow/storage';

export const TOKENIZER = 'tokenizer.json';
/** Vocabularies of millions of words are smaller. */
const mostBytes = 2 ** 26;

/**
 * The tokenizer in the folder of a checkpoint; bytes where there is none and the model knows 256 tokens.
 *
 * @throws CheckpointError if there is none and the tokens of the model cannot be bytes
 * @throws DataError if `tokenizer.json` is no tokenizer of a kind that is known
 */
export async function tokenizerOf(
  folder: Storage,
  { config: { vocabSize } }: Model,
): Promise<{ readonly tokenizer: Tokenizer; /** Whether it lay there. */ readonly own: boolean }> {
  if ((await folder.size(TOKENIZER)) !== undefined) {
    return { tokenizer: await tokenizerFromJSON(await readJson(folder, TOKENIZER, mostBytes)), own: true };
  }
  const bytes = byteTokenizer();
  if (vocabSize === bytes.vocabSize) return { tokenizer: bytes, own: false };
  throw new CheckpointError({
    what: TOKENIZER,
    value: undefined,
    message: `${folder.path} has no ${TOKENIZER}, and its model knows ${vocabSize} tokens, which are no bytes`,
    expected: `the ${TOKENIZER} that the model was trained with`,
    remedy: 'Put it into that folder.',
  });
}
