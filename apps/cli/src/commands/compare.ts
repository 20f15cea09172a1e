// `sympow compare`: trains and evaluates every model that a file describes, and writes what came out. It can be stopped at any
// moment, and the same command goes on where it stood.

import { requireSame, type Communicator } from '@sympow/core';
import { CheckpointError } from '@sympow/model';
import {
  costsOf,
  gatherResults,
  markdownTable,
  openExperimentData,
  planRuns,
  progressOf,
  runExperiment,
  RunFolder,
  selectRuns,
  settingsOf,
  slug,
  writeResults,
  type Bench,
  type Experiment,
  type ExperimentData,
  type ExperimentEvent,
  type Run,
} from '@sympow/experiments';
import { folderStorage } from '@sympow/storage';
import type { Command as CommanderCommand } from 'commander';
import { appendFileSync, existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { real, some, type Command } from '../command';
import { readExperiment, readText } from '../compare/file';
import { openTexts } from '../compare/texts';
import { openEntries, withEntries, type EntryFlags } from '../entries';
import { UsageError } from '../failure';
import { interruptible } from '../interrupt';
import { locked, whileLocked } from '../lock';
import { computeOf, withCompute, type ComputeFlags } from '../modelOptions';
import { amongRanks, requireOneFolder, withRanks, type RankFlags } from '../ranks';
import { requireRoom } from '../room';
import { bytes, duration, quantity, ratio, type Output } from '../output';

interface Flags extends BackendFlags, ComputeFlags, EntryFlags, RankFlags {
  out?: string;
  data?: string[];
  only?: string[];
  merge?: string[];
  maxSeconds?: number;
  dryRun?: true;
  report?: true;
  json?: true;
}

/** The object of --json. */
export interface CompareResult {
  readonly out: string;
  readonly runs: readonly { readonly id: string; readonly status: string }[];
  readonly finished: boolean;
}

/** An experiment that is ready to be run. */
interface Opened {
  readonly experiment: Experiment;
  readonly data: ExperimentData;
  readonly runs: readonly Run[];
  readonly chosen: readonly Run[];
  readonly out: string;
  readonly folderOf: (run: Run) => RunFolder;
  readonly communicator: Communicator;
}

const outOf = (path: string, { out }: Flags) => out ?? join('runs', slug(basename(path).replace(/\.json$/i, '')));

async function open(path: string, flags: Flags, communicator: Communicator): Promise<Opened> {
  const entries = await openEntries(flags);
  const experiment = readExperiment(path);
  const data = await openExperimentData(experiment, (text) => openTexts(text, path, flags.data));
  const runs = planRuns(experiment, data.vocabSize, entries);
  const out = outOf(path, flags);
  const folderOf = ({ id }: Run) => runFolder(join(out, 'runs', id));
  // What is finished stands in the same tables, whether or not it is chosen.
  for (const each of runs) await folderOf(each).check(settingsOf(each, data));
  const chosen = selectRuns(runs, flags.only);
  await requireSame(communicator, Object.fromEntries(chosen.map((each) => [each.id, settingsOf(each, data)])));
  await requireOneFolder(communicator, out);
  return { experiment, data, runs, chosen, out, folderOf, communicator };
}

async function run(path: string, flags: Flags, communicator: Communicator, output: Output): Promise<CompareResult> {
  const opened = await open(path, flags, communicator);
  for (const note of opened.data.notes) output.note(`note: ${note}`);
  const work = () => runOpened(path, opened, flags, output);
  return flags.dryRun || communicator.rank > 0 ? work() : whileLocked(opened.out, work);
}

async function runOpened(path: string, opened: Opened, flags: Flags, output: Output): Promise<CompareResult> {
  const { experiment, data, runs, chosen, out, folderOf, communicator } = opened;
  const first = communicator.rank === 0;
  const statusOf = (each: Run) => progressOf(each, folderOf(each), { experiment, data });
  if (flags.merge && first) await merge(opened, flags.merge, output);
  await communicator.barrier();
  if (flags.dryRun) {
    output.print(await listing(opened, flags, statusOf));
  } else if (!flags.report) {
    await interruptible(output.note, (signal) => execute(opened, flags, signal, output));
  }
  await communicator.barrier();
  const statuses = await Promise.all(runs.map(async (each) => ({ id: each.id, status: await statusOf(each) })));
  const finished = statuses.every(({ status }) => status === 'finished');
  if (!flags.dryRun && first) {
    await saveResults(path, opened, output);
    const done = statuses.filter(({ status }) => status === 'finished').length;
    output.note(
      `${done} of ${runs.length} runs are finished${finished ? '' : '; the same command goes on with the others'}`,
    );
    output.print(join(out, 'report.html'));
  }
  const wanted = new Set(chosen.map(({ id }) => id));
  return { out, runs: statuses.filter(({ id }) => wanted.has(id)), finished };
}

/** Works on one run of its share after the other until all are finished, the signal comes, or the time is over. */
async function execute(opened: Opened, flags: Flags, stop: AbortSignal, output: Output): Promise<void> {
  const { experiment, data, folderOf, communicator } = opened;
  const chosen = opened.chosen.filter((_, i) => i % communicator.size === communicator.rank);
  const limit = new AbortController();
  const timer =
    flags.maxSeconds === undefined
      ? undefined
      : setTimeout(() => limit.abort(), Math.min(2 ** 31 - 1, 1000 * flags.maxSeconds));
  const signal = AbortSignal.any([stop, limit.signal]);
  const bench: Bench = {
    ...{ experiment, data, signal, guard: locked },
    compute: computeOf(flags),
    open: () => openBackend(flags),
  };
  await requireRoomFor({ ...opened, chosen }, bench);
  const start = performance.now();
  const show = shower(output);
  try {
    for await (const event of runExperiment(bench, chosen, folderOf)) {
      show(event);
      if (event.type !== 'stopped') continue;
      const seconds = (performance.now() - start) / 1000;
      output.note(
        `stopped at ${event.run.id}${stop.aborted ? '' : ` after ${duration(seconds)}, as --max-seconds says`}`,
      );
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Shows how runs come along. */
function shower(output: Output): (event: ExperimentEvent) => void {
  let label = '';
  let loss = NaN;
  return (each) => {
    if (each.type === 'run') {
      const { variant, context, seed } = each.run;
      label = `[${each.number}/${each.count}] ${variant}, context ${context}, seed ${seed}`;
      loss = NaN;
    } else if (each.type === 'measuring') {
      const { name, done, total, position, length } = each;
      const what =
        position === undefined
          ? `${name}: ${done}/${total} examples`
          : `position ${quantity(position)} of ${quantity(length!)}, ${done}/${total} streams`;
      output.progress(`${label}  ${what}`);
    } else if (each.type === 'training' && each.event.type === 'start') {
      const { step, steps, notes } = each.event;
      for (const note of notes) output.note(`note: ${label}: ${note}`);
      output.note(step > 0 ? `${label}: going on from step ${step} of ${steps}` : label);
    } else if (each.type === 'training' && each.event.type === 'step') {
      const { step, steps, loss: now, tokensPerSecond, secondsLeft } = each.event;
      loss = Number.isNaN(loss) ? now : 0.95 * loss + 0.05 * now;
      output.progress(
        `${label}  step ${step}/${steps}  loss ${loss.toFixed(3)}  ` +
          `${quantity(tokensPerSecond)} tokens/s  ${duration(secondsLeft)} left`,
      );
    }
  };
}

/** The folder of a run on disk, which takes every step as it comes. */
function runFolder(path: string): RunFolder {
  return new RunFolder(folderStorage(path), {
    path,
    append(name, line, certain) {
      const file = join(path, name);
      try {
        appendFileSync(file, line, { flush: certain });
      } catch (cause) {
        const { code, message: why } = cause as NodeJS.ErrnoException;
        const message = `cannot write ${file}: ${code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : why}`;
        const remedy = 'Then the same command goes on from the last checkpoint.';
        throw new CheckpointError({
          what: file,
          value: undefined,
          message,
          expected: 'a disk with room',
          remedy,
          cause,
        });
      }
    },
  });
}

/** Before anything is trained: whether its evaluation has room. @throws OutOfMemoryError that names the run and the bytes */
async function requireRoomFor({ experiment, data, chosen, folderOf }: Opened, bench: Bench): Promise<void> {
  const { evaluation, recall } = experiment;
  const batches = [...recall, ...(evaluation ? [evaluation] : [])].map((test) =>
    Math.min(test.batch, 'streams' in test ? test.streams : test.count),
  );
  if (batches.length === 0) return;
  const backend = await bench.open();
  try {
    for (const each of chosen) {
      if ((await progressOf(each, folderOf(each), { experiment, data })) === 'finished') continue;
      requireRoom(each.config, backend, Math.max(...batches), `the state of ${each.id} in its evaluation`);
    }
  } finally {
    await backend.close();
  }
}

/** Takes finished parts of runs from other folders, where this one has not come as far. */
async function merge({ experiment, data, runs, folderOf }: Opened, folders: readonly string[], output: Output) {
  for (const folder of folders) {
    if (!existsSync(join(folder, 'runs'))) {
      throw new UsageError({ what: '--merge', value: folder, expected: 'a folder that was an --out, with runs in it' });
    }
    let taken = 0;
    for (const each of runs) {
      const [own, other] = [folderOf(each), runFolder(join(folder, 'runs', each.id))];
      if (!(await other.holds(settingsOf(each, data)))) continue;
      const [here, there] = await Promise.all([own, other].map((one) => progressOf(each, one, { experiment, data })));
      if (here === 'finished' || there !== 'finished') continue;
      await own.copyFrom(other);
      taken++;
    }
    output.note(`${folder}: ${taken} finished run${taken === 1 ? '' : 's'} taken`);
  }
}

async function listing(
  { chosen, experiment }: Opened,
  flags: Flags,
  statusOf: (run: Run) => Promise<string>,
): Promise<string> {
  const rows: string[][] = [];
  let total = 0;
  for (const each of chosen) {
    const { parameters, stateBytes, cacheBytes, trainingBytes, tokens, trainingFlops, weightToState } = costsOf(
      each,
      computeOf(flags),
    );
    const { batch, steps } = each.schedule;
    const status = await statusOf(each);
    if (status !== 'finished') total += trainingFlops;
    const state = stateBytes > 0 ? bytes(stateBytes) : `${bytes(cacheBytes)} at ${each.context}`;
    rows.push([
      ...[each.id, quantity(parameters), state, ratio(weightToState), `${steps} × ${batch} × ${each.context}`],
      ...[quantity(tokens), bytes(trainingBytes), quantity(trainingFlops, 'FLOP'), status],
    ]);
  }
  const head = [
    'Run',
    'Parameters',
    'State',
    'Weight : state',
    'Steps',
    'Tokens',
    'Training memory',
    'Training',
    'Status',
  ];
  const { title } = experiment;
  const left = `${quantity(total, 'FLOP')} of training are left to do; evaluation comes on top.`;
  return `${title}: ${chosen.length} runs\n\n${markdownTable({ head, rows })}\n\n${left}`;
}

async function saveResults(path: string, opened: Opened, output: Output): Promise<void> {
  const { experiment, data, runs, out, folderOf } = opened;
  const processor = `${cpus()[0]?.model.trim() ?? process.arch}, ${availableParallelism()} cores`;
  const machine = `Written on ${processor}, Node ${process.versions.node}.`;
  const results = await gatherResults(experiment, data, runs, folderOf);
  const missing = await writeResults(folderStorage(out), results, { file: readText(path), machine });
  if (missing) output.note(`no charts: ${missing.message}`);
}

function options(command: CommanderCommand): void {
  command
    .argument('<file>', 'the experiment, in JSON; docs/experiments has examples')
    .option(
      '--out <folder>',
      'where everything is kept (default: runs/ and the name of the file)',
      some('--out', 'a folder'),
    )
    .option('--data <path...>', 'text files or folders, instead of data.paths in the file')
    .option('--only <word...>', 'only runs whose names hold one of these words; * stands for anything')
    .option(
      '--max-seconds <n>',
      'stop by then, with everything saved; the same command goes on',
      real('--max-seconds', (x) => x > 0, 'a number above 0'),
    )
    .option('--merge <folder...>', 'take finished runs of the same file from the --out of other machines')
    .option('--dry-run', 'list the runs with their sizes and costs, and do nothing')
    .option('--report', 'write the report again from what is there, and run nothing');
  withCompute(withBackend(withEntries(withRanks(command))));
  command.addHelpText(
    'after',
    '\nA run that is finished is not repeated; one that was interrupted goes on from\n' +
      'its checkpoint. The folder gets results.json, CSV files, report.md, report.html\n' +
      'and charts; runs/ below it holds the models.',
  );
}

export const compare: Command = {
  name: 'compare',
  description: 'Train and evaluate every model that a file describes, and write a report.',
  examples: [
    'sympow compare experiment.json --data books --dry-run',
    'sympow compare experiment.json --data books --out runs/experiment --only gated',
  ],
  options,
  async run(args, options) {
    const flags = options as unknown as Flags;
    if (flags.dryRun && flags.report) {
      throw new UsageError({
        what: '--report',
        value: true,
        message: '--report and --dry-run were given',
        expected: 'one of the two',
      });
    }
    const path = args[0] as string;
    await amongRanks(flags, outOf(path, flags), async (communicator, output) => {
      output.json(await run(path, flags, communicator, output));
    });
  },
};
