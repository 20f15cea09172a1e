// `sympow demo`: the project in a few minutes. A conformal model and a plain sympow model learn from the same text for the
// same number of steps; then both read far beyond their training context, and the conformal one writes.

import {
  lossReport,
  lossSeries,
  svgChart,
  terminalChart,
  type Evaluation,
  type LossByPosition,
  type LossProgress,
} from '@sympow/evaluation';
import { ConfigError } from '@sympow/kernels';
import { folderStorage, readJson } from '@sympow/model';
import type { TrainingEvent } from '@sympow/training';
import type { Command as CommanderCommand } from 'commander';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { openBackend, withBackend } from '../backends';
import { openCheckpoint } from '../checkpoint';
import { runCommand } from '../child';
import { real, whole, type Command } from '../command';
import { interruptible } from '../interrupt';
import { createOutput, duration, quantity, type Output } from '../output';
import { chartOptions, chartWidth } from './eval';
import { writeText } from './generate';
import { measure } from './doctor';
import type { TrainResult } from './train';

interface Flags {
  out: string;
  data?: string[];
  steps?: number;
  minutes: number;
  backend: string;
  seed: number;
  json?: true;
}

/** What is compared. Each is a process of its own. */
const names = ['conformal', 'sympow'] as const;
type Name = (typeof names)[number];

const context = 128;
/** Positions that are evaluated: far beyond the training context. */
const length = 16 * context;
const model = ['--layers', '3', '--hidden', '64', '--heads', '2', '--head-size', '32', '--horizon', String(length)];
const batch = 4;
/** Multiplications and additions that a step takes, in 10⁹, and the share of a product's speed that training reaches. */
const stepGflop = 0.75;
const efficiency = 0.45;

/** The declaration files of the TypeScript that is installed here: text that every clone of this project has. */
function declarations(): string[] {
  const remedy = 'Name text files or folders with --data.';
  let folder;
  try {
    folder = join(dirname(createRequire(join(process.cwd(), 'index.js')).resolve('typescript/package.json')), 'lib');
  } catch (cause) {
    throw new ConfigError({
      what: 'the package typescript',
      value: 'not installed here',
      expected: 'its declaration files to learn from',
      remedy,
      cause,
    });
  }
  // The declarations for workers repeat those of pages: held-out text must not have been read in training.
  const own = (name: string) => /^lib\..*\.d\.ts$/.test(name) && !name.includes('webworker');
  return readdirSync(folder)
    .filter(own)
    .map((name) => join(folder, name));
}

/** Steps that fit into the time on this machine. */
async function stepsFor(minutes: number, backendName: string): Promise<number> {
  const backend = await openBackend(backendName);
  const perSecond = ((await measure(backend)) * efficiency) / stepGflop;
  await backend.close();
  return Math.max(100, Math.min(3000, Math.round((minutes * 60 * perSecond) / 50) * 50));
}

/** A finished demo moves aside; an interrupted one goes on with the steps that it began with. */
async function begin(flags: Flags, output: Output): Promise<number> {
  const storage = folderStorage(flags.out);
  if ((await storage.size('demo.json')) !== undefined) {
    const { steps, finished } = (await readJson(storage, 'demo.json')) as { steps: number; finished: boolean };
    if (!finished) {
      output.note(`going on with the demo in ${flags.out}`);
      return steps;
    }
    let number = 1;
    while (existsSync(`${flags.out}-${number}`)) number++;
    renameSync(flags.out, `${flags.out}-${number}`);
    output.note(`the last demo is now in ${flags.out}-${number}`);
  }
  const steps = flags.steps ?? (await stepsFor(flags.minutes, flags.backend));
  await storage.write('demo.json', JSON.stringify({ steps, finished: false }));
  return steps;
}

/** Runs one command per model at the same time, with a progress line made of what each says. One that fails stops the other. */
async function both<Result, Event>(
  args: (name: Name) => string[],
  say: (event: Event) => string | undefined,
  signal: AbortSignal,
  output: Output,
): Promise<Record<Name, Result>> {
  const said: Partial<Record<Name, string>> = {};
  const failed = new AbortController();
  const run = (name: Name) =>
    runCommand<Result, Event>(args(name), AbortSignal.any([signal, failed.signal]), (event) => {
      said[name] = say(event) ?? said[name];
      output.progress(names.map((each) => `${each} ${said[each] ?? '…'}`).join('  |  '));
    });
  try {
    const [conformal, sympow] = await Promise.all([run('conformal'), run('sympow')]);
    return { conformal, sympow };
  } catch (error) {
    failed.abort();
    throw error;
  } finally {
    output.endProgress();
  }
}

async function run(flags: Flags, signal: AbortSignal, output: Output): Promise<Record<string, unknown> | undefined> {
  const start = performance.now();
  const data = flags.data ?? declarations();
  const steps = await begin(flags, output);
  const folder = (name: Name) => join(flags.out, name);
  const common = ['--backend', flags.backend, '--seed', String(flags.seed)];
  output.print(
    `Two models learn to write TypeScript declarations, byte by byte, from at most ${context} bytes at a time.\n` +
      `One is conformal: its gates and phases depend on what it reads. The other, plain sympow, has neither.\n` +
      `Both take ${steps} steps side by side; then they read ${quantity(length)} bytes at a stretch.\n`,
  );

  const trained = await both<TrainResult, TrainingEvent>(
    (name) => [
      ...['train', ...data, '--out', folder(name), '--variant', name, ...model, ...common],
      ...['--context', String(context), '--batch', String(batch), '--steps', String(steps), '--lr', '4e-3'],
      ...['--eval-every', String(steps), '--eval-rows', '128', '--checkpoint-every', '100'],
    ],
    (event) =>
      event.type === 'step'
        ? `step ${event.step}/${event.steps} loss ${event.loss.toFixed(2)}, ${duration(event.secondsLeft)} left`
        : undefined,
    signal,
    output,
  );
  if (names.some((name) => trained[name].steps < steps)) return undefined;
  for (const name of names) {
    const { parameters, heldOutLoss, tokensPerSecond } = trained[name];
    output.print(
      `${name.padEnd(9)} ${quantity(parameters)} parameters, ${quantity(tokensPerSecond)} bytes/s, held out ${heldOutLoss?.toFixed(3) ?? '?'} nats per byte`,
    );
  }

  const losses = await both<LossByPosition, LossProgress>(
    (name) => [
      'eval',
      folder(name),
      ...data,
      '--length',
      String(length),
      '--streams',
      '32',
      '--batch',
      '16',
      ...common,
    ],
    ({ tokens, nats }) => `${quantity(tokens)} bytes read, loss ${nats.toFixed(2)}`,
    signal,
    output,
  );
  const evaluations = names.map((name): Evaluation => ({ name, loss: losses[name], context }));
  const series = evaluations.map(lossSeries);
  const chart = chartOptions('Loss by position, held-out text', context);
  output.print(`\n${terminalChart(series, { ...chart, width: chartWidth(), color: process.stdout.isTTY })}\n`);
  const text = lossReport(evaluations);
  output.print(text);

  output.print('\nThe conformal model writes, with a state of constant size:\n');
  const written = await write(flags, folder('conformal'));
  const storage = folderStorage(flags.out);
  await storage.write(
    'loss.svg',
    await svgChart(series, { ...chart, subtitle: `${steps} steps, context ${context}, p = 2` }),
  );
  await storage.write(
    'report.md',
    `# Demo\n\n![Loss by position](loss.svg)\n\n${text}\n## Sample\n\n\`\`\`ts\n${written}\n\`\`\`\n`,
  );
  await storage.write('demo.json', JSON.stringify({ steps, finished: true }));
  const seconds = (performance.now() - start) / 1000;
  output.print(`\n\nIn ${duration(seconds)}. Kept in ${flags.out}: report.md, loss.svg and both models.`);
  output.print(`Go on with: npm run -s sympow -- generate ${folder('conformal')} --prompt "interface "`);
  return {
    steps,
    seconds,
    ...Object.fromEntries(names.map((name) => [name, { ...trained[name], bins: losses[name].bins }])),
  };
}

/** 300 characters, live. */
async function write(flags: Flags, path: string): Promise<string> {
  const backend = await openBackend(flags.backend);
  try {
    const { model, tokenizer } = await openCheckpoint(backend, path);
    const stream = flags.json ? process.stderr : process.stdout;
    const prompt = 'interface ';
    stream.write(prompt);
    const { text } = await writeText(model, tokenizer, {
      ...{ prompt, maxTokens: 300, temperature: 0.7, seed: flags.seed, memory: model.memory() },
      write: (piece) => stream.write(piece),
    });
    return prompt + text;
  } finally {
    await backend.close();
  }
}

function options(command: CommanderCommand): void {
  command
    .option('--out <folder>', 'where everything is kept', join('runs', 'demo'))
    .option('--data <path...>', 'text files or folders instead of the declaration files of the installed typescript')
    .option(
      '--minutes <n>',
      'time to train',
      real('--minutes', (x) => x > 0, 'a number above 0'),
      2,
    )
    .option('--steps <n>', 'steps of each model instead of what fits into the time', whole('--steps'));
  withBackend(command);
}

export const demo: Command = {
  name: 'demo',
  description: 'Train, evaluate and listen to two small models, in a few minutes.',
  options,
  async run(_args, options) {
    const flags = options as unknown as Flags;
    const output = createOutput(flags.json === true);
    const out = resolve(flags.out);
    const result = await interruptible(output.note, (signal) =>
      run({ ...flags, out }, signal, output).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      }),
    );
    if (result) output.json(result);
    else output.note('stopped; the same command goes on from there');
  },
};
