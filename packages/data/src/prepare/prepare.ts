// Text into tokens on disk. Works in a folder beside the place of the result, which gets its name when all is done.
import { ConfigError, oneProcess, requireSame, requireWhole, together } from '@sympow/core';
import { folderStorage, isStorageError } from '@sympow/storage';
import { localFiles } from '../datasets/localFiles';
import { DataError } from '../errors';
import { byteTokenizer } from '../tokenizers/bytes';
import type { PrepareEnd, PrepareEvent, PrepareInput, PrepareOptions } from './api';
import { binWriter } from './binWriter';
import { documentsOf } from './documents';
import { encodedHere, SharedTexts } from './encodedTexts';
import { openJournal, type Place, type Written } from './journal';
import { KnownTexts } from './knownTexts';
import { zarrOptions, zarrWriter } from './zarrWriter';

/**
 * Writes texts as tokens, to be opened by `openDataset`. A run that was stopped, killed, or ended by a full disk goes on
 * when it is started again with the same options and texts, and ends with the same bytes. Until it ends, nothing is at
 * `out`; what is under way is in a folder beside it, whose name ends in `.partial`.
 *
 * @param inputs - the texts, in order; `textInputs` finds those in files and folders
 * @throws ConfigError for an option out of range
 * @throws DataError if `out` is taken or cannot be written, there is too little text, or one that was read is another one now
 *
 * @example
 * ```ts
 * const { inputs } = await textInputs('books');
 * for await (const event of prepare(inputs, { out: 'books.zarr', tokenizer: await gpt2Tokenizer() })) {
 *   if (event.type === 'end') console.log(event.documents);
 * }
 * ```
 */
export function prepare(
  inputs: readonly PrepareInput[],
  options: PrepareOptions,
): AsyncGenerator<PrepareEvent, void, undefined> {
  return together(options.communicator ?? oneProcess, told(inputs, options), ({ type }) => type === 'end');
}

async function* told(
  inputs: readonly PrepareInput[],
  options: PrepareOptions,
): AsyncGenerator<PrepareEvent, void, undefined> {
  try {
    yield* run(inputs, options);
  } catch (cause) {
    if (!isStorageError(cause)) throw cause;
    const { problem, value, expected } = cause;
    const remedy =
      cause.reason === 'short'
        ? 'Remove what was begun and start anew.'
        : 'Once there is, the same command goes on where it stopped.';
    throw new DataError({ what: 'out', value, message: problem, expected, remedy, cause });
  }
}

async function* run(
  inputs: readonly PrepareInput[],
  options: PrepareOptions,
): AsyncGenerator<PrepareEvent, void, undefined> {
  const { out, tokenizer = byteTokenizer(), part = [0, 1], certainEvery = 2 ** 22 } = options;
  const { communicator = oneProcess, signal } = options;
  const { fs, path } = localFiles();
  requireWhole('certainEvery', certainEvery, 1);
  const [low, high] = part;
  if (!(low >= 0 && low < high && high <= 1)) {
    throw new ConfigError({ what: 'part', value: part, expected: 'two numbers in order, from 0 to 1' });
  }
  const bin = out.endsWith('.bin');
  if (!bin && !out.endsWith('.zarr')) {
    throw new ConfigError({ what: 'out', value: out, expected: 'a name that ends in .bin or .zarr' });
  }
  if (bin && options.zarr) throw new ConfigError({ what: 'zarr', value: options.zarr, expected: 'nothing for a .bin' });
  const zarr = bin ? undefined : zarrOptions(options.zarr ?? {});
  if (inputs.length === 0) throw new DataError({ what: 'texts', value: 0, expected: 'at least one' });
  const texts = inputs.map(({ name, size }) => [name, size]);
  const settings = { tokenizer: await hashOf(JSON.stringify(tokenizer)), part, zarr };
  const place = folderStorage(path.dirname(out));
  const name = path.basename(out);
  const partial = `${name}.partial`;
  const folder = place.folder(partial);
  await requireSame(communicator, {
    ...settings,
    ...{ texts: texts.length, 'names and sizes of texts': await hashOf(JSON.stringify(texts)) },
  });
  if (communicator.rank > 0) {
    // When to stop is for process 0 to say.
    const encoding = { inputs, tokenizer, part, known: new KnownTexts([], folder.path), signal: undefined };
    yield await new SharedTexts(encoding, communicator).help();
    return;
  }
  if (await fs.stat(out).catch(() => undefined)) {
    const remedy = 'Choose another place, or remove it.';
    throw new DataError({
      what: 'out',
      value: out,
      message: `${out} is there already`,
      expected: 'a new name',
      remedy,
    });
  }
  const journal = await openJournal(folder, { ...settings, texts });
  const begun = performance.now();
  const first = journal.written;
  const known = new KnownTexts([...(first.texts ?? [])], folder.path);
  await known.readAgain(inputs, signal);
  const encoding = { inputs, tokenizer, part, known, signal };
  const shared = communicator.size > 1 ? new SharedTexts(encoding, communicator) : undefined;
  await folder.sweep();
  const writer = zarr
    ? await zarrWriter(place, partial, name, tokenizer, zarr, first)
    : await binWriter(place, partial, name, tokenizer, first);
  const totalBytes = inputs.reduce((sum, { size }) => sum + size, 0);
  const progress = (now: Written): PrepareEvent => ({
    type: 'progress',
    inputs: now.place.pass * inputs.length + now.place.input,
    totalInputs: inputs.length,
    documents: now.documents,
    tokens: now.tokens,
    tokensPerSecond: ((now.tokens - first.tokens) / (performance.now() - begun)) * 1000,
    done: zarr?.documents ? now.documents / zarr.documents : bytesBefore(inputs, now.place) / Math.max(1, totalBytes),
    resumedAt: first.documents,
  });

  try {
    let now = first;
    const most = zarr?.documents ?? Infinity;
    const cut = { length: zarr?.length, cycle: zarr?.cycle ?? false, signal };
    const cuts = { texts: shared ?? encodedHere(encoding), count: inputs.length, ...cut };
    const certain = async () => {
      await writer.flush(now);
      await journal.save({ ...now, texts: known.hashes });
    };
    if (now.documents < most) {
      let pending = 0;
      for await (const { document, place, dropped } of documentsOf(now.place, cuts)) {
        const { documents, tokens } = now;
        const added = document === undefined ? 0 : await writer.add(document);
        now = {
          place,
          documents: documents + (document ? 1 : 0),
          tokens: tokens + added,
          dropped: now.dropped + dropped,
        };
        pending += added;
        if (pending >= certainEvery) {
          await certain();
          pending = 0;
        }
        if (pending === 0 || document === undefined) yield progress(now);
        if (now.documents === most) break;
      }
    }
    if (now.documents === 0) throw tooShort(inputs, zarr?.length);
    await certain();
    await writer.finish(now);
    const { documents, tokens, dropped } = now;
    const seconds = (performance.now() - begun) / 1000;
    const end: PrepareEnd = { type: 'end', out, documents, tokens, dropped, seconds };
    await shared?.finish(end);
    yield end;
  } finally {
    await writer.close();
  }
}

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function bytesBefore(inputs: readonly PrepareInput[], { pass, input }: Place): number {
  const through = pass === 0 ? inputs.slice(0, input) : inputs;
  return through.reduce((sum, { size }) => sum + size, 0);
}

function tooShort(inputs: readonly PrepareInput[], length: number | undefined): DataError {
  return new DataError({
    what: 'texts',
    value: inputs.map(({ name }) => name),
    message: `none of the texts (${inputs.length}) holds ${length === undefined ? 'a token' : `a document of ${length} tokens`}`,
    expected: 'at least one',
    remedy: length === undefined ? 'Use more text.' : 'Use longer texts or shorter documents.',
  });
}
