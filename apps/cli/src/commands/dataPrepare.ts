// `sympow data prepare`: text into tokens on disk, once; stopped or killed, the same command goes on.

import type { Communicator } from '@sympow/core';
import { prepare, textInputs, type Compressor, type PrepareEnd, type PrepareEvent } from '@sympow/data';
import type { Command as CommanderCommand } from 'commander';
import { oneOf, real, some, whole, type Command } from '../command';
import { textEncodings, tokenizerOf } from '../dataOptions';
import { UsageError } from '../failure';
import { interruptible } from '../interrupt';
import { whileLockedBeside } from '../lock';
import { quantity, type Output } from '../output';
import { amongRanks } from '../ranks';

interface Flags {
  out: string;
  tokenizer: string;
  heldOutTo?: string;
  heldOut: number;
  extensions?: string[];
  encoding?: string;
  zarr?: 2 | 3;
  length?: number;
  chunk?: [number, number];
  compressor?: Compressor;
  documents?: number;
  cycle?: true;
  json?: true;
}

type Written = Omit<PrepareEnd, 'type'>;

/** The object of --json: what was written, in order. */
export interface PrepareResult {
  readonly written: readonly Written[];
}

async function run(
  paths: readonly string[],
  flags: Flags,
  communicator: Communicator,
  output: Output,
): Promise<PrepareResult> {
  const { out, heldOutTo, heldOut, extensions, encoding, documents, cycle } = flags;
  const tokenizer = await tokenizerOf(flags.tokenizer);
  const { inputs, notes } = await textInputs(paths, { extensions, encoding });
  for (const note of notes) output.note(`note: ${note}`);
  const array = { version: flags.zarr, length: flags.length, chunk: flags.chunk, compressor: flags.compressor };
  const given = Object.values({ ...array, documents, cycle }).some((value) => value !== undefined);
  const parts: {
    out: string;
    part: readonly [number, number];
    documents?: number | undefined;
    cycle?: true | undefined;
  }[] =
    heldOutTo === undefined
      ? [{ out, part: [0, 1], documents, cycle }]
      : [
          { out, part: [0, 1 - heldOut], documents, cycle },
          { out: heldOutTo, part: [1 - heldOut, 1] },
        ];
  const written: Written[] = [];
  await interruptible(output.note, async (signal) => {
    for (const { out: place, part, documents: most, cycle: again } of parts) {
      const zarr = given || !place.endsWith('.bin') ? { ...array, documents: most, cycle: again } : undefined;
      const events = prepare(inputs, { out: place, tokenizer, part, zarr, communicator, signal });
      const body = () => follow(events, place, output);
      written.push(await (communicator.rank === 0 ? whileLockedBeside(place, body) : body()));
    }
  });
  return { written };
}

/** Shows how it comes along until it ends. */
async function follow(events: AsyncIterable<PrepareEvent>, place: string, output: Output): Promise<Written> {
  let told = false;
  for await (const event of events) {
    if (event.type === 'end') {
      const { type: _, ...end } = event;
      const dropped = end.dropped > 0 ? `, ${quantity(end.dropped)} left over at the ends of texts` : '';
      output.note(`wrote ${place}: ${documentsOf(end.documents)}, ${quantity(end.tokens)} tokens${dropped}`);
      return end;
    }
    if (!told && event.resumedAt > 0) output.note(`going on with ${place} after ${documentsOf(event.resumedAt)}`);
    told = true;
    output.progress(
      `${place}  text ${Math.min(event.inputs + 1, event.totalInputs)}/${event.totalInputs}  ${documentsOf(event.documents)}  ` +
        `${quantity(event.tokens)} tokens  ${quantity(event.tokensPerSecond)} tokens/s  ${(100 * event.done).toFixed(0)} %`,
    );
  }
  throw new Error('preparing ended without saying so');
}

const documentsOf = (count: number) => `${count} document${count === 1 ? '' : 's'}`;

/** Reads `2048x2048`. */
function chunk(text: string): [number, number] {
  const [, documents, tokens] = /^(\d+)[x×](\d+)$/.exec(text) ?? [];
  if (documents !== undefined && tokens !== undefined) return [Number(documents), Number(tokens)];
  throw new UsageError({ what: '--chunk', value: text, expected: 'documents and tokens, such as 2048x2048' });
}

function options(command: CommanderCommand): void {
  command
    .argument('<text...>', 'text files, or folders of them; - is standard input')
    .requiredOption('--out <path>', 'a new .bin file, or a new .zarr folder', some('--out', 'a path'))
    .option('--tokenizer <name>', 'bytes, gpt2, or a tokenizer.json', 'bytes')
    .option(
      '--held-out-to <path>',
      'write the end of every text there, and leave it out of --out',
      some('--held-out-to', 'a path'),
    )
    .option(
      '--held-out <share>',
      'how much of every text that is',
      real('--held-out', (x) => x > 0 && x < 1, 'a number above 0 and below 1'),
      0.1,
    )
    .option('--extensions <list>', 'only files with these, such as txt,md', (text: string) => text.split(','))
    .option('--encoding <name>', `${textEncodings} (default: utf-8)`)
    .option('--zarr <version>', 'version of the array, 2 or 3 (default: 3, which has checksums)', (text: string) =>
      Number(oneOf('--zarr', ['2', '3'])(text)),
    )
    .option('--length <n>', 'tokens of a document in the array (default: 65536)', whole('--length'))
    .option('--chunk <shape>', 'documents x tokens of a chunk (default: 2048x2048)', chunk)
    .option(
      '--compressor <name>',
      'zstd, blosc or none (default: zstd)',
      oneOf('--compressor', ['zstd', 'blosc', 'none']),
    )
    .option('--documents <n>', 'most documents (default: as many as the texts give)', whole('--documents'))
    .option('--cycle', 'go through the texts again, cut at other places, until there are --documents');
}

export const dataPrepare: Command = {
  name: 'data prepare',
  description: 'Write text as tokens, to a .bin or a .zarr. Stopped or killed, the same command goes on.',
  examples: [
    'sympow data prepare books --out train.bin --tokenizer gpt2',
    'sympow data prepare books --out train.zarr --held-out-to rest.zarr',
  ],
  options,
  async run(args, options) {
    const flags = options as unknown as Flags;
    await amongRanks({ json: flags.json }, flags.out, async (communicator, output) =>
      output.json(await run(args[0] as string[], flags, communicator, output)),
    );
  },
};
