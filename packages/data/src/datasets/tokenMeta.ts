// What stands beside stored tokens: which tokenizer they came from and where documents begin. Files of others have none of
// it; then the convention of nanoGPT and LongCrawl64 holds, which is GPT-2.
import type { DatasetOptions, Tokenizer } from '../api';
import { DataError } from '../errors';
import type { ByteStore } from '../stores/api';
import { openTokenizer, tokenizerFromJSON } from '../tokenizers';

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

/** Most bytes of a file of JSON. */
const LARGEST_JSON = 2 ** 26;

/** The object in a file of JSON; undefined if there is no file. @throws DataError if it is too large or no object */
export async function readJSON(store: ByteStore, key: string): Promise<Record<string, unknown> | undefined> {
  const bytes = await store.read(key, { atMost: LARGEST_JSON });
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new TypeError('it is no object');
  } catch (cause) {
    throw new DataError({
      what: 'file',
      value: store.locate(key),
      message: `${store.locate(key)} is no JSON (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'the description of a dataset',
      cause,
    });
  }
}

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
    natural(meta.vocabSize, 2 ** 32) &&
    meta.vocabSize! > 0 &&
    (endOfText === null || natural(endOfText, meta.vocabSize! - 1)) &&
    natural(meta.documents, 2 ** 32) &&
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

/** What tokens mean, from what stands beside them, else from the options, else by convention. */
export async function meaningOf(
  where: string,
  meta: TokenMeta | undefined,
  stored: () => Promise<unknown>,
  given: DatasetOptions['tokenizer'],
): Promise<Meaning> {
  if (!meta) {
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
  const json = given ? undefined : await stored();
  const tokenizer = given ?? (json === undefined ? undefined : await tokenizerFromJSON(json));
  return { tokenizer, vocabSize, endOfText, notes: [] };
}
