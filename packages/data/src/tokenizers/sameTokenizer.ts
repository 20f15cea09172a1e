// Whether two tokenizers mean the same by the same ids. Their names do not tell: all BPE is called `bpe`.
import type { Tokenizer } from '../api';

/** Whether they are the same, or of the same tokenizer.json. */
export function sameTokenizer(a: Tokenizer | undefined, b: Tokenizer | undefined): boolean {
  if (a === b) return true;
  if (a?.name !== b?.name || a?.vocabSize !== b?.vocabSize) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}
