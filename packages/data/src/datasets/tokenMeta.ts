// What stands beside stored tokens: which tokenizer they came from and where documents begin. Files of others have none of
// it; then the convention of nanoGPT and LongCrawl64 holds, which is GPT-2.
import { readWhole, type Storage } from '@sympow/storage';
import type { DatasetOptions, Tokenizer } from '../api';
import { DataError } from '../errors';
import { openTokenizer, tokenizerFromJSON } from '../tokenizers';
import { sameTokenizer } from '../tokenizers/sameTokenizer';

/** What `prepare` writes down about tokens. */
export interface TokenMeta {
  readonly version: 1;
  /** Name of the tokenizer; its `tokenizer.json` lies beside the tokens. */
  readonly tokenizer: string;
  readonly vocabSize: number;
  /** The token between documents; null where the tokenizer has none. */
  readonly endOfText: number | null;
  readonly documents: number;
  readonly tokens: number;
}

/** Most bytes of a description, and of a `tokenizer.json`. */
export const DESCRIPTION_BYTES = 2 ** 22;
export const TOKENIZER_BYTES = 2 ** 26;

/** Most documents of a dataset: where each ends is held. */
const MOST_DOCUMENTS = 2 ** 27;

/** How deep objects and arrays may be nested. */
const MOST_LEVELS = 64;

/**
 * The object in a file of JSON; undefined if there is no file.
 *
 * @throws StorageError `large` if it has more than `most` bytes
 * @throws DataError if it is no object
 */
export async function readJSON(
  storage: Storage,
  name: string,
  most: number,
): Promise<Record<string, unknown> | undefined> {
  const bytes = await readWhole(storage, name, most);
  if (bytes === undefined) return undefined;
  try {
    requireLevels(bytes);
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new TypeError('it is no object');
  } catch (cause) {
    throw new DataError({
      what: 'file',
      value: `${storage.path}/${name}`,
      message: `${storage.path}/${name} is no JSON (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'the description of a dataset',
      cause,
    });
  }
}

/** Engines take seconds and gigabytes to find out that brackets never close, so they are counted before. */
function requireLevels(bytes: Uint8Array): void {
  let levels = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const char = bytes[at]!;
    if (char === QUOTE) quoted = !quoted;
    else if (quoted) at += char === BACKSLASH ? 1 : 0;
    else if (char === OPEN_ARRAY || char === OPEN_OBJECT) levels++;
    else if (char === CLOSE_ARRAY || char === CLOSE_OBJECT) levels--;
    if (levels > MOST_LEVELS) throw new SyntaxError(`more than ${MOST_LEVELS} levels at byte ${at}`);
  }
}
const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = new TextEncoder().encode('"\\[]{}');

/** Checks what was written down. Undefined stays undefined. */
export function requireMeta(value: unknown, where: string): TokenMeta | undefined {
  if (value === undefined || value === null) return undefined;
  const meta = value as Partial<TokenMeta>;
  const { endOfText } = meta;
  const natural = (x: unknown, most: number) => Number.isSafeInteger(x) && (x as number) >= 0 && (x as number) <= most;
  const sound =
    typeof value === 'object' &&
    meta.version === 1 &&
    typeof meta.tokenizer === 'string' &&
    natural(meta.vocabSize, 2 ** 31) &&
    meta.vocabSize! > 0 &&
    (endOfText === null || natural(endOfText, meta.vocabSize! - 1)) &&
    natural(meta.documents, MOST_DOCUMENTS) &&
    natural(meta.tokens, Number.MAX_SAFE_INTEGER);
  if (sound) return meta as TokenMeta;
  throw new DataError({ what: `description of ${where}`, value, expected: 'what `prepare` writes, version 1' });
}

/** What a dataset's tokens mean. */
export interface Meaning {
  readonly tokenizer: Tokenizer | undefined;
  readonly vocabSize: number;
  readonly endOfText: number | undefined;
  readonly notes: readonly string[];
}

/**
 * What tokens mean, from what stands beside them, else from the options, else by convention.
 *
 * @throws DataError if these contradict each other, or only a part of them is there
 */
export async function meaningOf(
  where: string,
  meta: TokenMeta | undefined,
  stored: () => Promise<unknown>,
  given: DatasetOptions['tokenizer'],
): Promise<Meaning> {
  if (!meta) {
    if (!given && (await stored()) !== undefined) throw lostDescription(where, 'tokenizer.json');
    const tokenizer = given ?? (await openTokenizer('gpt2'));
    const notes = given ? [] : [`${where} does not say which tokenizer it was made with; it is read as gpt2`];
    return { tokenizer, vocabSize: tokenizer.vocabSize, endOfText: tokenizer.endOfText, notes };
  }
  const { vocabSize } = meta;
  const endOfText = meta.endOfText ?? undefined;
  if (given && (given.name !== meta.tokenizer || given.vocabSize !== vocabSize)) {
    throw new DataError({
      what: 'tokenizer',
      value: `${given.name} with ${given.vocabSize} tokens`,
      expected: `${meta.tokenizer} with ${vocabSize}, which ${where} was made with`,
      remedy: 'Leave the tokenizer out.',
    });
  }
  const json = await stored();
  const own = json === undefined ? undefined : await tokenizerFromJSON(json);
  if (given && own && !sameTokenizer(given, own)) {
    throw new DataError({
      what: 'tokenizer',
      value: given.name,
      message: `the tokenizer is another "${given.name}" with ${given.vocabSize} tokens than that beside ${where}`,
      expected: 'the one that it was made with',
      remedy: 'Leave the tokenizer out.',
    });
  }
  const tokenizer = given ?? own;
  if (tokenizer && tokenizer.vocabSize !== vocabSize) {
    throw new DataError({
      what: `vocabulary of the tokenizer beside ${where}`,
      value: tokenizer.vocabSize,
      expected: `${vocabSize}, as its description says`,
      remedy: 'Fetch the dataset again.',
    });
  }
  return { tokenizer, vocabSize, endOfText, notes: [] };
}

/** Tokens of `prepare` whose description is not there. Without it, they would be read as another tokenizer's. */
export function lostDescription(where: string, beside: string): DataError {
  return new DataError({
    what: `description of ${where}`,
    value: undefined,
    message: `${where} has a ${beside} beside it, but not what else it was prepared with`,
    expected: 'all files that `prepare` wrote',
    remedy: 'Fetch it again, or say which tokenizer it was made with.',
  });
}
