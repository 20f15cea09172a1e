/**
 * Two of the three entry points that evaluation tools expect: the log-probability of a text after another, and of a whole text.
 * Texts of a batch are read side by side through one memory, in pieces, so that a text may be as long as it likes.
 */

import { gatherNumbers, oneProcess, rounds, together } from '@sympow/core';
import type { StreamGroup, Tokenizer } from '@sympow/data';
import { ConfigError, requireWhole } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import type { Loglikelihood, LoglikelihoodRequest, RollingLoglikelihood, ScoringOptions } from './api';
import { defaultPiece, readGroup } from './streamLosses';
import { fromNumbers, readTargets, toNumbers } from './streamTargets';

/**
 * How likely a model finds continuations after their contexts, in the order of the requests.
 *
 * As lm-evaluation-harness does, both are encoded as one text, in which spaces at the end of a context belong to its
 * continuation, and the continuation begins where the encoding of the context alone ends. Where the two merge, so that the
 * text does not begin with the tokens of its context, it begins at the first token in which they differ: "th" and "e" are
 * scored as the token "the", "hel" and "lo world" as "hello" and " world". What was scored is in the answer.
 *
 * @throws ConfigError for a continuation or a prefix without tokens, or a batch or piece out of range
 * @throws DataError for tokens that the model does not have
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * import { byteTokenizer } from '@sympow/data';
 * import { loglikelihood } from '@sympow/evaluation';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const choices = [' wolf', ' lamb'].map((continuation) => ({ context: 'Mary had a little', continuation }));
 * for await (const { logProbability, greedy } of loglikelihood(model, byteTokenizer(), choices)) {
 *   console.log(logProbability < 0, greedy);
 * }
 * ```
 */
export function loglikelihood(
  model: Model,
  tokenizer: Tokenizer,
  requests: Iterable<LoglikelihoodRequest>,
  options: ScoringOptions = {},
): AsyncGenerator<Loglikelihood, void, undefined> {
  return together(options.communicator ?? oneProcess, scoreContinuations(model, tokenizer, requests, options));
}

async function* scoreContinuations(
  model: Model,
  tokenizer: Tokenizer,
  requests: Iterable<LoglikelihoodRequest>,
  options: ScoringOptions,
): AsyncGenerator<Loglikelihood, void, undefined> {
  const prefix = prefixOf(tokenizer, options.prefix);
  const rows = Array.from(requests, ({ context, continuation }, i): Row => {
    const whole = tokenizer.encode(context + continuation);
    const begin = commonLength(tokenizer.encode(context.trimEnd()), whole);
    if (continuation === '' || begin === whole.length) {
      throw new ConfigError({ what: `continuation ${i}`, value: continuation, expected: 'at least one token' });
    }
    const before = begin > 0 ? 0 : prefix.length;
    return { tokens: begin > 0 ? whole : joined(prefix, whole), known: before + begin };
  });
  const score = async (group: RowGroup) => {
    const found: number[] = [];
    for await (const { scores } of readTargets(model, group, pieceOf(model, group.batch, options), options.signal))
      found.push(...scores.flatMap(toNumbers));
    return found;
  };
  for await (const [group, numbers] of shared(groupsOf(rows, options), options, score)) {
    const found = group.rows.map(() => ({ logProbability: 0, greedy: true }));
    for (const { row, logProbability, greedy } of fromNumbers(numbers)) {
      found[row]!.logProbability += logProbability;
      found[row]!.greedy &&= greedy;
    }
    for (const [row, { tokens, known }] of group.rows.entries()) {
      const scored = tokenizer.decode(tokens.subarray(known));
      yield { ...found[row]!, tokens: tokens.length - known, scored };
    }
  }
}

/**
 * How likely a model finds whole texts, every token after all that stands before it: there are no windows, as the memory of a
 * power model does not grow.
 *
 * @throws ConfigError for a prefix without tokens, or a batch or piece out of range
 * @throws DataError for tokens that the model does not have
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * for await (const { logProbability, bytes } of loglikelihoodRolling(model, tokenizer, [book])) {
 *   console.log(-logProbability / Math.LN2 / bytes, 'bits per byte');
 * }
 * ```
 */
export function loglikelihoodRolling(
  model: Model,
  tokenizer: Tokenizer,
  texts: Iterable<string>,
  options: ScoringOptions = {},
): AsyncGenerator<RollingLoglikelihood, void, undefined> {
  return together(options.communicator ?? oneProcess, scoreTexts(model, tokenizer, texts, options));
}

async function* scoreTexts(
  model: Model,
  tokenizer: Tokenizer,
  texts: Iterable<string>,
  options: ScoringOptions,
): AsyncGenerator<RollingLoglikelihood, void, undefined> {
  const prefix = prefixOf(tokenizer, options.prefix);
  const all = [...texts];
  const rows = all.map((text) => ({ tokens: joined(prefix, tokenizer.encode(text)), known: prefix.length }));
  const score = async (group: RowGroup) => {
    const sums = group.rows.map(() => 0);
    for await (const piece of readGroup(model, group, pieceOf(model, group.batch, options), options.signal)) {
      for (const [i, nats] of piece.losses.entries())
        if (piece.targets[i]! >= 0) sums[Math.floor(i / piece.context)]! -= nats;
    }
    return sums;
  };
  for await (const [group, sums] of shared(groupsOf(rows, options), options, score)) {
    for (const [row, { tokens }] of group.rows.entries()) {
      const bytes = new TextEncoder().encode(all[group.first + row]).length;
      yield { logProbability: sums[row]!, tokens: tokens.length - prefix.length, bytes };
    }
  }
}

/** Each group with the numbers that the process whose turn it is finds. */
async function* shared(
  groups: Iterable<RowGroup>,
  { communicator = oneProcess }: ScoringOptions,
  score: (group: RowGroup) => Promise<number[]>,
): AsyncGenerator<[RowGroup, Float64Array], void, undefined> {
  for await (const round of rounds(groups, communicator)) {
    const own = round[communicator.rank];
    const found = await gatherNumbers(communicator, own ? await score(own) : []);
    for (const [turn, group] of round.entries()) yield [group, found[turn]!];
  }
}

/** The tokens that stand before a text. @throws ConfigError if there are none */
export function prefixOf(tokenizer: Tokenizer, prefix?: readonly number[]): Int32Array {
  const { endOfText } = tokenizer;
  if (prefix === undefined) return endOfText === undefined ? tokenizer.encode('\n') : Int32Array.of(endOfText);
  if (prefix.length > 0) return Int32Array.from(prefix);
  throw new ConfigError({ what: 'prefix', value: [], message: 'the prefix is empty', expected: 'at least one token' });
}

/** How many tokens two encodings begin with alike. */
function commonLength(a: Int32Array, b: Int32Array): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Tokens of which the first `known` are given and the others to be predicted. */
interface Row {
  readonly tokens: Int32Array;
  readonly known: number;
}

interface RowGroup extends StreamGroup {
  /** Number of the first row among all. */
  readonly first: number;
  readonly rows: readonly Row[];
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function pieceOf(model: Model, batch: number, { piece }: ScoringOptions): number {
  if (piece !== undefined) requireWhole('piece', piece, 1);
  return piece ?? defaultPiece(batch, model.config.vocabSize);
}

function* groupsOf(rows: readonly Row[], { batch = 8 }: ScoringOptions): Generator<RowGroup> {
  requireWhole('batch', batch, 1);
  for (let first = 0; first < rows.length; first += batch) yield rowGroup(first, rows.slice(first, first + batch));
}

/** Rows side by side, the shorter ones filled up at their ends, which nothing before them sees. */
function rowGroup(first: number, rows: readonly Row[]): RowGroup {
  const length = Math.max(...rows.map(({ tokens }) => tokens.length)) - 1;
  const spans = rows.map((_, row) => ({ row, at: 0, document: first + row, from: 0, length }));
  return {
    ...{ first, rows, batch: rows.length, length, spans },
    async *pieces(size) {
      for (let position = 0; position < length; position += size) {
        const context = Math.min(size, length - position);
        const inputs = new Int32Array(rows.length * context);
        const targets = new Int32Array(rows.length * context).fill(-1);
        for (const [row, { tokens, known }] of rows.entries()) {
          inputs.set(tokens.subarray(position, position + context), row * context);
          const from = Math.max(position, known - 1);
          if (from >= position + context) continue;
          targets.set(tokens.subarray(from + 1, position + context + 1), row * context + from - position);
        }
        yield { batch: rows.length, context, inputs, targets, spans, position };
      }
    },
  };
}
