// What a tokenizer.json says, checked before anything is made of it: nothing that a file says of itself is believed.
import type { TokenizerJSON } from '../api';
import { DataError } from '../errors';
import type { AddedToken } from './byteLevel';
import { Fields } from './fields';

/** Ids are below this. The largest vocabularies have 2¹⁸. */
export const MOST_IDS = 2 ** 24;

/** Tokens, and merges. */
const MOST_ENTRIES = 2 ** 22;

/** A tokenizer.json whose tokens are known to be sound. */
export interface TokenizerFile {
  readonly json: TokenizerJSON;
  readonly model: Fields;
  /** Ids of the model's tokens that a text may become: those that are special are left out. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Ids of all tokens. */
  readonly ids: ReadonlyMap<string, number>;
  /** How tokens are written. An id that is missing here is a hole. */
  readonly written: ReadonlyMap<number, string>;
  /** V: one more than the greatest id. */
  readonly vocabSize: number;
  /** Tokens that are looked for in a text before it is cut into words. */
  readonly added: readonly AddedToken[];
  /** Tokens that no text ever becomes. */
  readonly special: readonly AddedToken[];
}

/** @throws DataError naming what is wrong with it */
export function readTokenizerFile(json: TokenizerJSON): TokenizerFile {
  const file = new Fields('the tokenizer', json);
  const model = file.fields('model');
  const added = file.list('added_tokens', MOST_ENTRIES).map(readAddedToken);
  const special = added.filter((token) => token.special);
  const ids = new Map<string, number>();
  const written = new Map<number, string>();
  let vocabSize = 0;
  function add(token: string, id: unknown, where: string): void {
    const sound = requireId(id, where);
    const other = written.get(sound);
    if (other !== undefined && other !== token) {
      throw new DataError({
        what: where,
        value: id,
        expected: `an id of its own, as ${JSON.stringify(other.slice(0, 40))} has this one`,
      });
    }
    written.set(sound, token);
    ids.set(token, sound);
    vocabSize = Math.max(vocabSize, sound + 1);
  }
  for (const [token, id] of vocabOf(model)) add(token, id, `id of ${JSON.stringify(token.slice(0, 40))}`);
  if (vocabSize === 0) model.wrong('vocab', 'at least one token');
  const vocab = new Map(ids);
  for (const { content } of special) vocab.delete(content);
  for (const { content, id } of added)
    add(content, id, `id of the added token ${JSON.stringify(content.slice(0, 40))}`);
  return { json, model, vocab, ids, written, vocabSize, added: added.filter((token) => !token.special), special };
}

/** Tokens with their ids: an object of them, or a list whose places are the ids. */
function* vocabOf(model: Fields): Generator<[token: string, id: unknown]> {
  const vocab = model.value('vocab');
  if (Array.isArray(vocab) && model.type === 'Unigram') {
    if (vocab.length > MOST_ENTRIES) model.wrong('vocab', `at most ${MOST_ENTRIES} tokens`, vocab.length);
    for (const [id, entry] of (vocab as unknown[]).entries()) {
      const [token, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
      if (typeof token !== 'string' || typeof score !== 'number' || !Number.isFinite(score)) {
        model.wrong('vocab', 'tokens with their scores', entry);
      }
      yield [token, id];
    }
  } else if (typeof vocab === 'object' && vocab !== null && !Array.isArray(vocab)) {
    const entries = Object.entries(vocab);
    if (entries.length > MOST_ENTRIES) model.wrong('vocab', `at most ${MOST_ENTRIES} tokens`, entries.length);
    yield* entries;
  } else {
    model.wrong('vocab', 'tokens with their ids');
  }
}

/** The merges of a BPE: pairs, or `left right` in one string. */
export function mergesOf(model: Fields): [left: string, right: string][] {
  const merges = model.value('merges');
  if (!Array.isArray(merges)) model.wrong('merges', 'a list of pairs of tokens');
  if (merges.length > MOST_ENTRIES) model.wrong('merges', `at most ${MOST_ENTRIES}`, merges.length);
  return Array.from(merges as unknown[], (merge) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const sound = Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
    return sound ? (pair as [string, string]) : model.wrong('merges', 'pairs of tokens', merge);
  });
}

function requireId(id: unknown, what: string): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < MOST_IDS) return id;
  throw new DataError({ what, value: id, expected: `a whole number from 0 to ${MOST_IDS - 1}` });
}

function readAddedToken(fields: Fields): AddedToken {
  const content = fields.text('content');
  const special = fields.flag('special', false);
  return {
    content,
    special,
    id: requireId(fields.value('id'), `id of the added token ${JSON.stringify(content.slice(0, 40))}`),
    single_word: fields.flag('single_word', false),
    lstrip: fields.flag('lstrip', false),
    rstrip: fields.flag('rstrip', false),
    normalized: fields.flag('normalized', !special),
  };
}
