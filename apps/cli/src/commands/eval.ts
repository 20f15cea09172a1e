// `sympow eval`: loss by position on text of any length, with a chart in the terminal and as SVG.

import type { Communicator } from '@sympow/core';
import { evaluationStreams, type TokenSource } from '@sympow/data';
import {
  lossByPosition,
  lossReport,
  lossSeries,
  loadVega,
  modelCosts,
  svgChart,
  terminalChart,
  type Evaluation,
  type LossByPosition,
  type ModelCosts,
} from '@sympow/evaluation';
import { folderStorage } from '@sympow/model';
import type { Command as CommanderCommand } from 'commander';
import { basename, dirname } from 'node:path';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { openEntries, withEntries, type EntryFlags } from '../entries';
import { tellParent } from '../child';
import { openCheckpoint, type OpenCheckpoint } from '../checkpoint';
import { oneOf, some, whole, type Command } from '../command';
import { bytesPerToken, openData, unitOf, withData, type DataFlags, type Part } from '../dataOptions';
import { interruptible } from '../interrupt';
import { markdownTable } from '@sympow/experiments';
import { computeOf, withCompute, type ComputeFlags } from '../modelOptions';
import { amongRanks } from '../ranks';
import { requireRoom } from '../room';
import { bytes, inColour, quantity, ratio, type Output } from '../output';

interface Flags extends BackendFlags, ComputeFlags, EntryFlags, DataFlags {
  length: number;
  streams: number;
  batch: number;
  piece?: number;
  part: Part;
  svg?: string;
  report?: string;
  seed: number;
  json?: true;
}

/** What {@link evaluate} reads. */
export interface EvaluateOptions {
  readonly source: TokenSource;
  readonly length: number;
  readonly streams: number;
  readonly batch: number;
  readonly piece?: number | undefined;
  /** The processes that share out the streams; default one alone. */
  readonly communicator?: Communicator | undefined;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** The object of --json. */
export interface EvalResult extends LossByPosition {
  readonly costs: ModelCosts;
  /** Bytes of the whole process when a position was first reached, by doublings. */
  readonly processBytes: readonly ProcessBytes[];
}

interface ProcessBytes {
  readonly position: number;
  readonly bytes: number;
}

/** The loss by position of a checkpoint, with a progress line. @throws the signal's reason when aborted */
export async function evaluate({ model, context }: OpenCheckpoint, options: EvaluateOptions): Promise<EvalResult> {
  const { source, length, streams: maximum, batch, piece, communicator, signal, output } = options;
  const streams = evaluationStreams(source, { length, batch, maximum });
  const edges = context === undefined ? [] : [context];
  const processBytes: ProcessBytes[] = [];
  const perToken = await bytesPerToken(source);
  const reading = { piece, edges, signal, bytesPerToken: perToken, communicator };
  for await (const event of lossByPosition(model, streams, reading)) {
    if (event.type === 'result') {
      return { ...event.result, costs: modelCosts(model.config, { context: length }), processBytes };
    }
    if (event.position >= 2 * (processBytes.at(-1)?.position ?? 0) || event.position === length) {
      processBytes.push({ position: event.position, bytes: process.memoryUsage.rss() });
    }
    const { position, streams: done, totalStreams, nats, tokensPerSecond, memoryBytes } = event;
    tellParent(event);
    output.progress(
      `${quantity(position)} of ${quantity(length)}, ${done}/${totalStreams} streams  loss ${nats.toFixed(3)}  ` +
        `${quantity(tokensPerSecond)} tokens/s  memory ${bytes(memoryBytes)}`,
    );
  }
  throw new Error('evaluation ended without a result');
}

/** A chart's texts and the mark of the training context. */
export function chartOptions(title: string, context: number | undefined, yLabel = 'nats per byte') {
  return {
    title,
    yLabel,
    ...(context !== undefined && { rule: { x: context, label: 'training context' } }),
  };
}

async function run(
  paths: readonly string[],
  path: string,
  flags: Flags,
  communicator: Communicator,
  output: Output,
): Promise<EvalResult> {
  // What cannot be drawn is said before anything is read.
  const vega = flags.svg === undefined ? undefined : await loadVega();
  const entries = await openEntries(flags);
  const backend = await openBackend(flags);
  try {
    const checkpoint = await openCheckpoint(backend, path, { ...computeOf(flags), entries }, output.note);
    output.note(`${checkpoint.name} from ${checkpoint.path}`);
    for (const note of checkpoint.notes) output.note(`note: ${note}`);
    requireRoom(checkpoint.model.config, backend, Math.min(flags.batch, flags.streams));
    const source = (await openData(paths, flags, output, checkpoint.tokenizer))[flags.part];
    const loss = await interruptible(output.note, (signal) =>
      evaluate(checkpoint, { ...flags, source, communicator, signal, output }),
    );
    const evaluation: Evaluation = { name: checkpoint.name, loss, context: checkpoint.context };
    const chart = chartOptions('Loss by position', checkpoint.context, unitOf(source));
    output.draw(terminalChart([lossSeries(evaluation)], { ...chart, width: chartWidth(), color: inColour() }));
    output.print(lossReport([evaluation]));
    output.print(paceTable(loss));
    if (communicator.rank !== 0) return loss;
    if (flags.svg) await write(flags.svg, await svgChart([lossSeries(evaluation)], { ...chart, vega }), output);
    if (flags.report) await write(flags.report, lossReport([evaluation]), output);
    return loss;
  } finally {
    await backend.close();
  }
}

/** How fast it was read and what that took, by position; in groups of streams, those of the first group's process. */
function paceTable({ pace, processBytes, costs }: EvalResult): string {
  const { weightFlops, stateFlops, weightToState } = costs;
  const rows = pace.map(({ to, tokensPerSecond, memoryBytes }) => {
    const whole = processBytes.find(({ position }) => position >= to);
    return [quantity(to), quantity(tokensPerSecond), bytes(memoryBytes), whole ? bytes(whole.bytes) : ''];
  });
  const head = ['Up to position', 'Tokens per second', 'Memory of a stream', 'Process'];
  return (
    `\n${markdownTable({ head, rows })}\n\n` +
    `Per token: ${quantity(weightFlops)}FLOP in weights, ${quantity(stateFlops)}FLOP for what is remembered, ` +
    `${ratio(weightToState)}.`
  );
}

export function chartWidth(): number {
  return Math.max(40, Math.min(process.stdout.columns || 80, 100));
}

async function write(path: string, text: string, output: Output): Promise<void> {
  await folderStorage(dirname(path)).write(basename(path), text);
  output.note(`wrote ${path}`);
}

function options(command: CommanderCommand): void {
  withData(
    command.argument(
      '<checkpoint>',
      'a checkpoint, or the folder of a run (its newest); a checkpoint also at an address',
    ),
  )
    .optionsGroup('Evaluation:')
    .option('--length <n>', 'positions per stream, as many as you like', whole('--length'), 4096)
    .option('--streams <n>', 'most streams, spread evenly over the text', whole('--streams'), 32)
    .option('--batch <n>', 'streams side by side', whole('--batch'), 8)
    .option('--piece <n>', 'tokens of a stream that are read at once; bounds the memory', whole('--piece'))
    .option(
      '--part <part>',
      'held-out, train or all of the text',
      oneOf('--part', ['held-out', 'train', 'all']),
      'held-out',
    )
    .option('--svg <file>', 'write the chart; needs npm install vega vega-lite', some('--svg', 'a file'))
    .option('--report <file>', 'write the table as Markdown', some('--report', 'a file'));
  withCompute(withBackend(withEntries(command)));
}

export const evaluateCommand: Command = {
  name: 'eval',
  description: 'Loss by position, in memory that does not grow with the length.',
  examples: [
    'sympow eval runs/books books',
    'sympow eval runs/books other.txt --part all --length 65536 --svg loss.svg',
  ],
  options,
  async run(args, options) {
    const flags = options as unknown as Flags;
    await amongRanks(flags, '.', async (communicator, output) => {
      output.json(await run(args[1] as string[], args[0] as string, flags, communicator, output));
    });
  },
};
