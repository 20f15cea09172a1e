// Tokenizers of the format of `tokenizer.json` at large, by way of @huggingface/tokenizers, which is loaded when the first
// one is opened.
import type { Tokenizer as Library } from '@huggingface/tokenizers';
import type { StreamingDecoder, TokenArray, Tokenizer, TokenizerJSON } from '../api';
import { DataError } from '../errors';
import { BYTE_CHARACTERS, bytesOfCharacters, type AddedToken } from './byteLevel';
import { decodingOf, missing, requireId } from './decoding';
import { textPieces } from './textPieces';

/** How tokens that end a text are called, the likelier first. */
const END_OF_TEXT = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>', '<|eot_id|>', '[SEP]'];

/**
 * A tokenizer from its `tokenizer.json`. No tokens are put before or after a text, and none that the file calls special is
 * ever the encoding of a text. Bytes come back exactly where tokens are bytes (byte-level BPE without a normalizer), else
 * as far as the tokenizer keeps them.
 *
 * @param json - the file, parsed
 * @throws DataError if it is not what the library knows
 *
 * @example
 * ```ts
 * const tokenizer = await huggingFaceTokenizer(JSON.parse(await readFile('tokenizer.json', 'utf8')));
 * ```
 */
export async function huggingFaceTokenizer(json: TokenizerJSON): Promise<Tokenizer> {
  const library = await open(json);
  const added = addedTokens(json);
  const vocab = library.get_vocab(true);
  for (const { content, id } of added) vocab.set(content, id);
  const written: string[] = [];
  for (const [token, id] of vocab) written[id] = token;
  const vocabSize = written.length;
  const endContent = END_OF_TEXT.find((content) => added.some((token) => token.special && token.content === content));
  // Bytes that are no text have tokens of their own where tokens are bytes, and are U+FFFD elsewhere.
  const byteIds = isByteLevel(json) ? BYTE_CHARACTERS.map((character) => vocab.get(character)) : [];
  const addedIds = new Map(added.map(({ id, content }) => [id, new TextEncoder().encode(content)]));

  function encodeText(text: string): number[] {
    if (text === '') return [];
    const { ids } = library.encode(text, { add_special_tokens: false });
    const at = ids.findIndex((id) => id === undefined);
    if (at < 0) return ids;
    throw new DataError({
      what: 'text',
      value: text.length > 40 ? `${text.slice(0, 40)}…` : text,
      expected: 'text that the vocabulary can spell, as it has no token for what it does not know',
    });
  }
  function encodeBytes(bytes: Uint8Array): TokenArray {
    const ids: number[] = [];
    for (const piece of textPieces(bytes)) {
      const byte = typeof piece === 'number' ? byteIds[piece] : undefined;
      if (byte !== undefined) ids.push(byte);
      else for (const id of encodeText(typeof piece === 'number' ? '\uFFFD' : piece)) ids.push(id);
    }
    return vocabSize <= 2 ** 16 ? Uint16Array.from(ids) : Int32Array.from(ids);
  }
  const bytesOf = (id: number) =>
    addedIds.get(id) ?? (written[id] === undefined ? undefined : bytesOfCharacters(written[id]));

  return {
    name: nameOf(json),
    vocabSize,
    endOfText: endContent === undefined ? undefined : vocab.get(endContent),
    encode: (text) => Int32Array.from(encodeBytes(new TextEncoder().encode(text))),
    encodeBytes,
    ...(isByteLevel(json) ? decodingOf(vocabSize, bytesOf) : textDecoding(library, written)),
    toJSON: () => json,
  };
}

/** A tokenizer of any kind; stands last among the readers. */
export function readHuggingFaceTokenizer(json: TokenizerJSON): Promise<Tokenizer> {
  return huggingFaceTokenizer(json);
}

async function open(json: TokenizerJSON): Promise<Library> {
  const { Tokenizer: HuggingFaceTokenizer } = await import('@huggingface/tokenizers');
  try {
    // Special tokens would be found in text, and a post-processor only adds them.
    const added = addedTokens(json).filter(({ special }) => !special);
    return new HuggingFaceTokenizer({ ...json, added_tokens: added, post_processor: null }, {});
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError({
      what: 'tokenizer',
      value: json.model.type,
      message: `this tokenizer.json cannot be opened (${reason})`,
      expected: 'BPE, WordPiece or Unigram, as Hugging Face writes them',
      cause,
    });
  }
}

function addedTokens(json: TokenizerJSON): readonly AddedToken[] {
  const added = json['added_tokens'] ?? [];
  const sound =
    Array.isArray(added) &&
    (added as Partial<AddedToken>[]).every(
      (token) =>
        Number.isInteger(token?.id) && token.id! >= 0 && token.id! < 2 ** 24 && typeof token.content === 'string',
    );
  if (sound) return added as AddedToken[];
  throw new DataError({ what: 'added_tokens of the tokenizer', value: added, expected: 'a list of ids and contents' });
}

function nameOf({ model }: TokenizerJSON): string {
  return model.type.toLowerCase();
}

function isByteLevel(json: TokenizerJSON): boolean {
  return (json['decoder'] as { type?: unknown } | null | undefined)?.type === 'ByteLevel';
}

/** Decoding by the library, for tokens whose text depends on those beside them. */
function textDecoding(
  library: Library,
  written: readonly (string | undefined)[],
): Pick<Tokenizer, 'decode' | 'decodeBytes' | 'decoder'> {
  function decode(ids: ArrayLike<number>): string {
    const list = Array.from(ids, (id) => (written[requireId(id, written.length)] === undefined ? missing(id) : id));
    return list.length === 0
      ? ''
      : library.decode(list, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }
  return {
    decode,
    decodeBytes: (ids) => new TextEncoder().encode(decode(ids)),
    decoder: () => new WindowDecoder(decode),
  };
}

/** Decodes a window of tokens anew with each one, and gives what was added once it is whole characters. */
class WindowDecoder implements StreamingDecoder {
  /** The tokens given last, for the text before, and those not given yet. */
  private ids: number[] = [];
  private given = 0;

  constructor(private readonly decode: (ids: ArrayLike<number>) => string) {}

  push(id: number): string {
    this.decode([id]);
    this.ids.push(id);
    const text = this.pending();
    if (text === '' || text.endsWith('\uFFFD')) return '';
    this.ids = this.ids.slice(this.given);
    this.given = this.ids.length;
    return text;
  }

  end(): string {
    const text = this.pending();
    this.ids = [];
    this.given = 0;
    return text;
  }

  private pending(): string {
    return this.decode(this.ids).slice(this.decode(this.ids.slice(0, this.given)).length);
  }
}
