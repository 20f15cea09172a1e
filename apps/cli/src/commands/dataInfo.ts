// `sympow data info`: what a dataset is, on disk or at an address.

import type { TokenSource } from '@sympow/data';
import type { Command as CommanderCommand } from 'commander';
import { whole, type Command } from '../command';
import { dataPaths, openSource, tokenizerOf, withDataset, type DatasetFlags } from '../dataOptions';
import { createOutput, quantity, type Output } from '../output';

interface Flags extends DatasetFlags {
  show: number;
  json?: true;
}

/** The object of --json. */
export interface DataInfo {
  readonly name: string;
  readonly documents: number;
  /** As they are read: where every document has an end-of-text token in front, that counts too. */
  readonly tokens: number;
  /** Least and most tokens of a document. */
  readonly lengths: readonly [number, number];
  readonly tokenizer: string | null;
  readonly vocabSize: number;
  readonly endOfText: number | null;
  /** How it is stored. */
  readonly details: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** The first tokens of the first document, and their text. */
  readonly first: { readonly tokens: readonly number[]; readonly text: string | null };
}

async function inspect(source: TokenSource, show: number): Promise<DataInfo> {
  const { name, documentCount, tokenCount, tokenizer, vocabSize, details = {}, notes } = source;
  let [least, most] = [Infinity, 0];
  for (let document = 0; document < documentCount; document++) {
    const length = source.documentLength(document);
    least = Math.min(least, length);
    most = Math.max(most, length);
  }
  const count = documentCount === 0 ? 0 : Math.min(show, source.documentLength(0));
  const tokens = count === 0 ? [] : [...(await source.read(0, 0, count))];
  const known = tokens.filter((id) => id >= 0);
  return {
    name,
    documents: documentCount,
    tokens: tokenCount,
    lengths: [documentCount === 0 ? 0 : least, most],
    tokenizer: tokenizer?.name ?? null,
    vocabSize,
    endOfText: tokenizer?.endOfText ?? null,
    details,
    notes,
    first: { tokens, text: tokenizer ? tokenizer.decode(known) : null },
  };
}

function print(info: DataInfo, output: Output): void {
  const [least, most] = info.lengths;
  const rows: Record<string, string> = {
    documents: `${info.documents} of ${least === most ? least : `${least} to ${most}`} tokens`,
    tokens: quantity(info.tokens),
    tokenizer: `${info.tokenizer ?? 'unknown'}, ${info.vocabSize} tokens${info.endOfText === null ? '' : `, ${info.endOfText} ends a text`}`,
    ...info.details,
    first: info.first.tokens.join(' '),
    text: JSON.stringify(info.first.text),
  };
  output.print(info.name);
  const width = Math.max(...Object.keys(rows).map(({ length }) => length));
  for (const [name, value] of Object.entries(rows)) output.print(`  ${name.padEnd(width)}  ${value}`);
}

function options(command: CommanderCommand): void {
  command.argument('<data...>', dataPaths);
  withDataset(command).option('--show <n>', 'tokens of the first document to show', whole('--show', 0), 32);
}

export const dataInfo: Command = {
  name: 'data info',
  description: 'Say what a dataset holds and how it is stored.',
  examples: ['sympow data info books', 'sympow data info train.zarr --show 100'],
  options,
  async run(args, options) {
    const { tokenizer: name, show, json, ...flags } = options as unknown as Flags;
    const output = createOutput(json === true);
    const source = await openSource(args[0] as string[], { ...flags, tokenizer: await tokenizerOf(name) }, output);
    const known = source.notes.length;
    const info = await inspect(source, show);
    for (const note of source.notes.slice(known)) output.note(`note: ${note}`);
    print(info, output);
    output.json(info);
  },
};
