// Random rows of tokens for training. The law by which they are drawn is derived in the README.
import { ConfigError, Random, requireKnownKeys, requireWhole, type KnownKeys } from '@sympow/core';
import type { Span, TokenSource, TrainingBatches, TrainingBatchesOptions } from './api';
import { resumeAt } from './cursor';
import { DataError } from './errors';
import { fingerprint } from './fingerprint';
import { requireBatch } from './options';
import { chunkOrder } from './order';
import { PrefixSums } from './prefixSums';
import { readBatch } from './rows';

/** Random numbers set aside for one row. It needs two, of two words each, and in rare cases a few more. */
const DRAWS_PER_ROW = 16;

const known: KnownKeys<TrainingBatchesOptions> = {
  ...{ batch: true, context: true, seed: true, order: true, cursor: true },
};

/**
 * Endless training batches. Row i of a run is a function of (source, context, seed, i) alone, so a cursor of a few numbers
 * resumes exactly, in any process and with any batch size.
 *
 * A document of more than T tokens gives windows of T + 1 tokens that lie inside it. Shorter ones are packed end to end,
 * in their order and around in a circle: a row begins anywhere on it, `resets` marks where a document begins, and the last
 * token of a document has no target. Every token is a target equally often, except within T tokens of either end of a
 * document longer than T, where it is between half and twice as often. Documents of a single token have no target and are
 * not used.
 *
 * That is the order `random`. A source that lies in chunks is read chunk by chunk instead, each once in a pass, in an order
 * that is random as far as that allows (`chunks`): only documents of more than T tokens are then used.
 *
 * @throws ConfigError if batch or context is not a whole number of at least 1, or the seed not one of at least 0
 * @throws OutOfMemoryError, which names the bytes, if a batch takes more than 2 GiB
 * @throws DataError if the source holds no row of T + 1 tokens, or the cursor belongs to something else
 *
 * @example
 * ```ts
 * const batches = trainingBatches(textSource('to be or not to be'), { batch: 2, context: 4, seed: 1 });
 * const { inputs, targets } = await batches.next(); // [2, 4] each
 * const saved = JSON.stringify(batches.cursor());
 * ```
 */
export function trainingBatches(source: TokenSource, options: TrainingBatchesOptions): TrainingBatches {
  requireKnownKeys('trainingBatches', options, known);
  const { batch, context, cursor } = options;
  const { seed = cursor?.seed ?? 0, order = source.chunks ? 'chunks' : 'random' } = options;
  requireBatch(batch, context);
  requireWhole('seed', seed, 0);
  if (order !== 'random' && order !== 'chunks') {
    throw new ConfigError({ what: 'order', value: order, expected: '"random" or "chunks"' });
  }
  const law = order === 'random' ? randomLaw(source, context, seed) : chunkLaw(source, context, seed);
  const here = {
    version: 1,
    seed,
    context,
    documents: source.documentCount,
    tokens: source.tokenCount,
    ...(order === 'chunks' && { order }),
  } as const;
  let row = cursor === undefined ? 0 : resumeAt(cursor, here);

  return {
    packed: law.packed,
    next() {
      const spans: Span[] = [];
      for (let r = 0; r < batch; r++) spans.push(...law.draw(row + r, r));
      const drawn = readBatch(source, spans, batch, context, law.packed);
      row += batch;
      return drawn;
    },
    cursor: () => ({ ...here, row }),
    fingerprint: () => fingerprint(source),
  };
}

interface SamplingLaw {
  readonly packed: boolean;
  /** The spans of row i of the run, which fill row `row` of a batch. */
  draw(i: number, row: number): Span[];
}

function chunkLaw(source: TokenSource, context: number, seed: number): SamplingLaw {
  // What lies in memory is one chunk.
  const chunks = source.chunks ?? { tokens: Infinity, rowOf: () => 0 };
  const order = chunkOrder(source, chunks, context, seed);
  return { packed: false, draw: (i, row) => [order.spanOf(i, row)] };
}

function randomLaw(source: TokenSource, context: number, seed: number): SamplingLaw {
  const { documentCount: count } = source;
  const lengthOf = (document: number) => source.documentLength(document);
  // Windows have T targets of the length−1 that a long document has; packed rows take up T of the places on the circle.
  const long = new PrefixSums(count, (document) => (lengthOf(document) > context ? lengthOf(document) - 1 : 0));
  const short = new PrefixSums(count, (document) =>
    lengthOf(document) > context || lengthOf(document) < 2 ? 0 : lengthOf(document),
  );
  if (long.total === 0 && short.total <= context) throw tooShort(source, context, short.total);

  /** Uniform but for the ends, which would be seen too rarely: a start that is up to T/2 outside is moved inside. */
  function window(row: number, document: number, random: Random): Span {
    const last = lengthOf(document) - context - 1;
    const margin = context >>> 1;
    const start = random.integer(last + 1 + 2 * margin) - margin;
    return { row, at: 0, document, from: Math.min(Math.max(start, 0), last), length: context };
  }

  function packed(row: number, place: number): Span[] {
    const spans: Span[] = [];
    for (let at = 0; at < context;) {
      const document = short.find((place + at) % short.total);
      const from = at === 0 ? place - short.start(document) : 0;
      const length = Math.min(lengthOf(document) - from, context - at);
      spans.push({ row, at, document, from, length });
      at += length;
    }
    return spans;
  }

  return {
    packed: short.total > 0,
    draw(i, row) {
      const random = new Random(seed, 'batches', i * DRAWS_PER_ROW);
      const drawn = random.integer(long.total + short.total);
      return drawn < long.total ? [window(row, long.find(drawn), random)] : packed(row, drawn - long.total);
    },
  };
}

function tooShort({ name, documentCount, tokenCount }: TokenSource, context: number, usable: number): DataError {
  const tokens = `${name} holds ${tokenCount} tokens (documents: ${documentCount})`;
  if (usable === 0) {
    return new DataError({
      what: name,
      value: tokenCount,
      message: tokens,
      expected: 'at least one document of 2 tokens or more',
      remedy: 'Use more text.',
    });
  }
  return new DataError({
    what: 'context',
    value: context,
    expected: `at most ${usable - 1}, as ${tokens}`,
    remedy: 'Use a shorter context or more text.',
  });
}
