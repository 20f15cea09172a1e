// Texts as tokens: encoded by one process, or shared out among several, of which the first gets them all.
import { nextTurn, type Communicator } from '@sympow/core';
import type { TokenArray, Tokenizer } from '../api';
import { DataError } from '../errors';
import { joined, joinedBytes } from '../joined';
import type { PrepareEnd, PrepareInput } from './api';
import type { KnownTexts } from './knownTexts';

/** The tokens of texts, by their places. */
export interface EncodedTexts {
  of(input: number): Promise<TokenArray>;
}

/** How a text becomes tokens. */
export interface Encoding {
  readonly inputs: readonly PrepareInput[];
  readonly tokenizer: Tokenizer;
  readonly part: readonly [from: number, to: number];
  readonly known: KnownTexts;
  readonly signal: AbortSignal | undefined;
}

/** One process encodes every text when it is asked for. */
export function encodedHere(encoding: Encoding): EncodedTexts {
  return { of: (input) => encoded(encoding, input) };
}

/** Bytes of text that a process encodes before tokens are handed over. */
const usual = 2 ** 22;

/** What process 0 says to the others: the texts to encode next, or that all is done. */
type Word = { readonly from: number } | { readonly end: PrepareEnd };

/** A text as it is told to process 0: by its hash, and how many bytes its tokens take. */
type Told = readonly [hash: string, bytes: number];

/**
 * Several processes share out texts in rounds: each encodes about as many bytes as the others, whole texts, and process 0 gets the tokens of
 * all. It alone knows which texts are needed, and says so before each round.
 */
export class SharedTexts implements EncodedTexts {
  private round = new Map<number, TokenArray>();

  /** @param share - bytes of text for each process in a round, or more where a text is longer */
  constructor(
    private readonly encoding: Encoding,
    private readonly communicator: Communicator,
    private readonly share = usual,
  ) {}

  /** For process 0. @throws DataError where another process has another text */
  async of(input: number): Promise<TokenArray> {
    if (!this.round.has(input)) {
      await this.say({ from: input });
      this.round = await this.encodeFrom(input);
    }
    return this.round.get(input)!;
  }

  /** For process 0, at the end. */
  async finish(end: PrepareEnd): Promise<void> {
    await this.say({ end });
  }

  /** For the others: encodes until all is done, which it returns. */
  async help(): Promise<PrepareEnd> {
    for (;;) {
      const word = await this.say();
      if ('end' in word) return word.end;
      await this.encodeFrom(word.from);
    }
  }

  private async say(word?: Word): Promise<Word> {
    const bytes = new TextEncoder().encode(JSON.stringify(word ?? null));
    return JSON.parse(new TextDecoder().decode(await this.communicator.broadcast(bytes, 0))) as Word;
  }

  /** A round; what it returns is whole on process 0 alone. */
  private async encodeFrom(from: number): Promise<Map<number, TokenArray>> {
    const { encoding, communicator } = this;
    const { rank } = communicator;
    const { inputs, tokenizer, known } = encoding;
    const round = new Map<number, TokenArray>();
    const shares = sharesOf(inputs, from, communicator.size, this.share);
    for (const input of shares[rank]!) round.set(input, await encoded(encoding, input));
    const own = [...round.values()].map((ids) => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    const told = shares[rank]!.map((input, i): Told => [known.hashes[input]!, own[i]!.length]);
    for (const [root, share] of shares.entries()) {
      const list = await communicator.broadcast(new TextEncoder().encode(JSON.stringify(told)), root);
      const bytes = await communicator.broadcast(root === rank ? joinedBytes(own) : new Uint8Array(), root);
      if (rank > 0 || root === 0) continue;
      let at = 0;
      for (const [i, [hash, length]] of (JSON.parse(new TextDecoder().decode(list)) as Told[]).entries()) {
        const input = share[i]!;
        await known.read(inputs, input);
        if (hash !== known.hashes[input]) throw otherText(inputs[input]!, root, hash);
        round.set(input, idsOf(bytes.slice(at, at + length), tokenizer));
        at += length;
      }
    }
    return round;
  }
}

/** Texts from a place on, by process: about as many bytes for each, as much as fills them or all that there are. */
function sharesOf(inputs: readonly PrepareInput[], from: number, size: number, share: number): number[][] {
  const taken: number[] = [];
  let bytes = 0;
  for (let i = from; i < inputs.length && (taken.length < size || bytes < size * share); i++) {
    taken.push(i);
    bytes += inputs[i]!.size;
  }
  const shares = Array.from({ length: size }, () => ({ bytes: 0, texts: [] as number[] }));
  // The longest first, each to who has least.
  for (const i of taken.sort((a, b) => inputs[b]!.size - inputs[a]!.size || a - b)) {
    const least = shares.reduce((best, one) => (one.bytes < best.bytes ? one : best));
    least.bytes += inputs[i]!.size;
    least.texts.push(i);
  }
  return shares.map(({ texts }) => texts);
}

function idsOf({ buffer }: Uint8Array, { vocabSize }: Tokenizer): TokenArray {
  return vocabSize <= 2 ** 16 ? new Uint16Array(buffer) : new Int32Array(buffer);
}

function otherText({ name }: PrepareInput, rank: number, hash: string): DataError {
  return new DataError({
    what: name,
    value: hash,
    message: `${name} is another text for process ${rank} than for process 0`,
    expected: 'the same texts for all processes',
    remedy: 'Put the same files at the same path on every machine.',
  });
}

/** Tokens of a part of a text: the same as encoding all of it and taking that share of its tokens. */
async function encoded({ inputs, tokenizer, part, known, signal }: Encoding, input: number): Promise<TokenArray> {
  const bytes = await known.read(inputs, input);
  const pieces: TokenArray[] = [];
  for (const piece of tokenizer.encodeParts?.(bytes) ?? [tokenizer.encodeBytes(bytes)]) {
    signal?.throwIfAborted();
    pieces.push(piece);
    await nextTurn();
  }
  const ids: TokenArray = joined(pieces, (count) =>
    tokenizer.vocabSize <= 2 ** 16 ? new Uint16Array(count) : new Int32Array(count),
  );
  const [low, high] = part;
  return ids.subarray(Math.round(ids.length * low), Math.round(ids.length * high));
}
