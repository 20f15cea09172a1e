// `tokenizer.json` of every kind, and text through it and back.
import { byteTokenizer, tokenizerFromJSON } from '@sympow/data';
import fc from 'fast-check';
import { changedJSON } from '../inputs';
import { target } from '../target';

const vocab = Object.fromEntries(
  [...'abcdefgh', 'ab', 'cd', 'abcd', '<unk>', 'Ġa', '##b'].map((text, id) => [text, id]),
);
const parts = { version: '1.0', truncation: null, padding: null, added_tokens: [], post_processor: null };
const spaces = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bpe = {
  ...parts,
  normalizer: null,
  pre_tokenizer: spaces,
  decoder: spaces,
  model: { type: 'BPE', vocab, merges: [['a', 'b'], ['c', 'd'], ['ab', 'cd']], unk_token: '<unk>', byte_fallback: false }, // prettier-ignore
  added_tokens: [{ id: 14, content: '<|endoftext|>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }], // prettier-ignore
};
const wordPiece = {
  ...parts,
  normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
  pre_tokenizer: { type: 'Split', pattern: { Regex: '\\s+' }, behavior: 'Isolated', invert: false },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    vocab,
    unk_token: '<unk>',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  },
};
const unigram = {
  ...parts,
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
  model: { type: 'Unigram', unk_id: 0, vocab: Object.keys(vocab).map((text, i) => [text, -i]), byte_fallback: true },
};
const byteNames = Array.from({ length: 4 }, (_, i) => `<0xF${i}>`);
const sentencePiece = {
  ...parts,
  normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { Regex: ' ' }, content: '▁' }] }, // prettier-ignore
  pre_tokenizer: null,
  decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] }, // prettier-ignore
  model: { type: 'BPE', vocab: Object.fromEntries([...Object.keys(vocab), '▁', ...byteNames].map((text, id) => [text, id])), merges: ['a b'], unk_token: '<unk>', byte_fallback: true, fuse_unk: true, ignore_merges: false }, // prettier-ignore
  added_tokens: [{ id: 40, content: 'ef', special: false, single_word: true, lstrip: true, rstrip: true, normalized: true }], // prettier-ignore
};
/** Every other step, one kind after the other. */
const others = {
  ...wordPiece,
  normalizer: { type: 'Sequence', normalizers: [{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true }, { type: 'Strip', strip_left: true, strip_right: true }, { type: 'Precompiled', precompiled_charsmap: '' }] }, // prettier-ignore
  pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, { type: 'Punctuation', behavior: 'MergedWithNext' }, { type: 'CharDelimiterSplit', delimiter: 'h' }, { type: 'FixedLength', length: 9 }, { type: 'Split', pattern: { Regex: '(?i:ab|c)?[a-d]+(?!x)|\\s+$' }, behavior: 'Contiguous', invert: true }] }, // prettier-ignore
  decoder: { type: 'Sequence', decoders: [{ type: 'BPEDecoder', suffix: 'b' }, { type: 'CTC', pad_token: '<unk>', word_delimiter_token: 'd', cleanup: true }, { type: 'Fuse' }, { type: 'Replace', pattern: { Regex: 'a+' }, content: 'x' }] }, // prettier-ignore
};

export const tokenizer = target({
  name: 'tokenizer',
  inputs: fc.record({
    json: changedJSON(bpe, wordPiece, unigram, sentencePiece, others, byteTokenizer().toJSON()),
    text: fc.oneof(fc.string(), fc.constantFrom('abcd abc efgh', 'a'.repeat(500), '\ud800', '\u{1f600} é\u0301', '')),
    ids: fc.array(fc.oneof(fc.nat({ max: 20 }), fc.integer(), fc.double()), { maxLength: 20 }),
  }),
  async run({ json, text, ids }) {
    const tokenizer = await tokenizerFromJSON(json);
    const encoded = tokenizer.encode(text);
    const decoder = tokenizer.decoder();
    const streamed = Array.from(encoded, (id) => decoder.push(id)).join('') + decoder.end();
    const pieces = tokenizer.encodeParts?.(new TextEncoder().encode(text)) ?? [encoded];
    if (streamed !== tokenizer.decode(encoded)) throw new Error('streamed text is not decoded text');
    if ([...pieces].map((piece) => piece.join()).join() !== encoded.join()) throw new Error('parts are not the whole');
    for (const id of ids) decoder.push(id);
    decoder.end();
  },
});
