// The options that say which text is read, and which part of it.

import { heldOut, openDataset, openTokenizer, tokenizerFromJSON, tokenizerNames } from '@sympow/data';
import type { DatasetOptions, Tokenizer, TokenSource } from '@sympow/data';
import { readJson } from '@sympow/model';
import { openFile } from '@sympow/storage';
import type { Command } from 'commander';
import { oneOf, real } from './command';
import { UsageError } from './failure';
import type { Output } from './output';
import { quantity } from './output';

/** Which part of the data a command reads. */
export type Part = 'train' | 'held-out' | 'all';

/** What data may be. */
export const dataPaths =
  'text files or folders of them (- is standard input), .bin files, or .zarr arrays; both also at an address';

/** What text may be in. */
export const textEncodings =
  'what text files are in: utf-16, latin1 or another that TextDecoder knows, or bytes, which takes any file as it is';

/** Options of everything that opens a dataset. */
export function withDataset(command: Command): Command {
  return command
    .optionsGroup('Data:')
    .option(
      '--tokenizer <name>',
      `${tokenizerNames.join(', ')} or a tokenizer.json (default: what the data say, or bytes for text)`,
    )
    .option('--encoding <name>', `${textEncodings} (default: utf-8)`)
    .option('--skip-damaged', 'read damaged chunks as missing tokens instead of stopping');
}

export function withData(command: Command): Command {
  command.argument('<data...>', dataPaths);
  return withDataset(command)
    .option(
      '--held-out <share>',
      'share of the text that is kept from training',
      real('--held-out', (x) => x > 0 && x < 1, 'a number above 0 and below 1'),
      0.1,
    )
    .option(
      '--split <by>',
      'tail holds out the end of every document, documents whole ones',
      oneOf('--split', ['tail', 'documents']),
      'tail',
    );
}

/** What a person can say about a dataset. */
export interface DatasetFlags {
  readonly tokenizer?: string;
  readonly encoding?: string;
  readonly skipDamaged?: true;
}

export interface DataFlags extends DatasetFlags {
  heldOut: number;
  split: 'tail' | 'documents';
}

/** A tokenizer from its name, or from its file. */
export async function tokenizerOf(name: string | undefined): Promise<Tokenizer | undefined> {
  if (name === undefined) return undefined;
  if (tokenizerNames.includes(name)) return openTokenizer(name);
  if (!/\.json(?:[?#].*)?$/.test(name)) {
    const expected = `one of ${tokenizerNames.join(', ')}, or a file or address that ends in .json`;
    throw new UsageError({ what: '--tokenizer', value: name, expected });
  }
  const { storage, name: file } = openFile(name);
  return tokenizerFromJSON(await readJson(storage, file, 2 ** 26));
}

/** Opens a dataset and says what there is to know about it. */
export async function openSource(
  paths: readonly string[],
  { tokenizer, encoding, skipDamaged }: Omit<DatasetFlags, 'tokenizer'> & { tokenizer?: Tokenizer | undefined },
  output: Output,
  more: DatasetOptions = {},
): Promise<TokenSource> {
  const damaged = skipDamaged ? 'skip' : 'fail';
  const source = await openDataset(paths, { tokenizer, encoding, damaged, http: { onRetry: output.note }, ...more });
  for (const note of source.notes) output.note(`note: ${note}`);
  return source;
}

/**
 * Opens the data of a model and says what was left out of them.
 *
 * @param own - the tokenizer of the model, if there is one already
 */
export async function openData(
  paths: readonly string[],
  { heldOut: fraction, split, tokenizer: name, ...flags }: DataFlags,
  output: Output,
  own?: Tokenizer,
): Promise<Record<Part, TokenSource>> {
  const source = await openSource(paths, { ...flags, tokenizer: (await tokenizerOf(name)) ?? own }, output);
  const { train, heldOut: held } = heldOut(source, { fraction, by: split });
  output.note(
    `${source.name}: ${source.documentCount} document${source.documentCount === 1 ? '' : 's'}, ${quantity(train.tokenCount)} tokens to train on, ${quantity(held.tokenCount)} held out`,
  );
  return { all: source, train, 'held-out': held };
}

/** Mean bytes of text per token, from the beginning of a source; nothing where its tokenizer is not known. */
export async function bytesPerToken(source: TokenSource): Promise<number | undefined> {
  const { tokenizer } = source;
  if (!tokenizer || source.documentCount === 0) return undefined;
  if (tokenizer.name === 'bytes') return 1;
  const read = await source.read(0, 0, Math.min(source.documentLength(0), 65_536));
  const ids = read.filter((id) => id >= 0 && id !== tokenizer.endOfText);
  return ids.length === 0 ? undefined : tokenizer.decodeBytes(ids).length / ids.length;
}

/** What losses of a source are in. */
export function unitOf({ tokenizer }: TokenSource): string {
  return tokenizer?.name === 'bytes' ? 'nats per byte' : 'nats per token';
}
