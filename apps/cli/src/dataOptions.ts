// The options that say which text is read, and which part of it.

import { heldOut, openDataset, type TokenSource } from '@sympow/data';
import type { Command } from 'commander';
import { oneOf, real } from './command';
import type { Output } from './output';
import { quantity } from './output';

/** Which part of the data a command reads. */
export type Part = 'train' | 'held-out' | 'all';

export function withData(command: Command): Command {
  return command
    .argument('<data...>', 'text files, or folders of them')
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

export interface DataFlags {
  heldOut: number;
  split: 'tail' | 'documents';
}

/** Opens the data and says what was left out of it. */
export async function openData(
  paths: readonly string[],
  { heldOut: fraction, split }: DataFlags,
  output: Output,
): Promise<Record<Part, TokenSource>> {
  const source = await openDataset(paths);
  for (const note of source.notes) output.note(`note: ${note}`);
  const { train, heldOut: held } = heldOut(source, { fraction, by: split });
  output.note(
    `${source.name}: ${source.documentCount} document${source.documentCount === 1 ? '' : 's'}, ${quantity(train.tokenCount)} tokens to train on, ${quantity(held.tokenCount)} held out`,
  );
  return { all: source, train, 'held-out': held };
}
