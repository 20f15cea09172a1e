// Tokenizers of the format of `tokenizer.json` at large. @huggingface/tokenizers rewrites their expressions for JavaScript and
// normalizes by SentencePiece's rules; it is loaded when the first one is opened. What else they do is done here, as the library
// cuts, spells and decodes other than Hugging Face's own in places, and needs time and memory without bounds.
import type { Tokenizer, TokenizerJSON } from '../api';
import { assembled } from './assembled';
import { bpeModel } from './bpe';
import { decoderOf } from './decoders';
import type { Translate } from './expressions';
import { Fields, stepsOf } from './fields';
import { normalizerOf } from './normalizers';
import { preTokenizerOf } from './preTokenizers';
import { safeCut } from './safeCuts';
import { readTokenizerFile, type TokenizerFile } from './tokenizerFile';
import { unigramModel } from './unigram';
import { wordPieceModel } from './wordPiece';
import type { WordModel } from './wordModel';

/**
 * A tokenizer from its `tokenizer.json`. No tokens are put before or after a text, and none that the file calls special is
 * ever the encoding of a text. Bytes come back exactly where tokens are bytes (byte-level BPE without a normalizer), else
 * as far as the tokenizer keeps them.
 *
 * @param json - the file, parsed
 * @throws DataError if it is not BPE, WordPiece or Unigram, if it has a step that is not known here, if its ids or tokens are
 * not sound, or if one of its expressions could take for ever
 *
 * @example
 * ```ts
 * const tokenizer = await huggingFaceTokenizer(JSON.parse(await readFile('tokenizer.json', 'utf8')));
 * ```
 */
export async function huggingFaceTokenizer(json: TokenizerJSON): Promise<Tokenizer> {
  const file = readTokenizerFile(json);
  const model = modelOf(file);
  const { SplitPreTokenizer, PrecompiledNormalizer } = await import('@huggingface/tokenizers');
  const translate: Translate = (Regex) => {
    const { pattern } = new SplitPreTokenizer({
      type: 'Split',
      pattern: { Regex },
      behavior: 'Isolated',
      invert: false,
    });
    if (pattern) return pattern;
    throw new SyntaxError('it is none');
  };
  const { normalizer, pre_tokenizer, decoder } = json;
  const isByteLevel = decoder != null && new Fields('the decoder', decoder).type === 'ByteLevel';
  const changes = stepsOf(normalizer, 'the normalizer', 'normalizers').some(({ type }) => !/^NF[CD]$/.test(type));
  const spaces = stepsOf(pre_tokenizer, 'the pre-tokenizer', 'pretokenizers').some(
    (step) => step.type !== 'Split' && (step.type !== 'ByteLevel' || step.flag('add_prefix_space', true)),
  );
  return assembled({
    name: json.model.type.toLowerCase(),
    file,
    toJSON: () => json,
    model,
    normalize: normalizerOf(normalizer, { translate, Precompiled: PrecompiledNormalizer }),
    preTokenize: preTokenizerOf(pre_tokenizer, translate),
    decode: isByteLevel ? 'bytes' : decoderOf(decoder, translate),
    keepsBytes: isByteLevel && !changes && !spaces,
    cutBefore: safeCut(file),
  });
}

/** A tokenizer of any kind; stands last among the readers. */
export function readHuggingFaceTokenizer(json: TokenizerJSON): Promise<Tokenizer> {
  return huggingFaceTokenizer(json);
}

function modelOf(file: TokenizerFile): WordModel {
  switch (file.model.type) {
    case 'BPE':
      return bpeModel(file);
    case 'Unigram':
      return unigramModel(file);
    case 'WordPiece':
      return wordPieceModel(file);
    default:
      return file.model.wrong('type', 'BPE, WordPiece or Unigram');
  }
}
