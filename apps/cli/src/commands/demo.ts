// `sympow demo`: the project in a few minutes. A conformal model and a plain sympow model learn from the same text for the
// same number of steps; then both read far beyond their training context, and the conformal one writes.

import {
  lossReport,
  lossSeries,
  svgChart,
  terminalChart,
  type ChartSeries,
  type Evaluation,
  type LossBin,
  type LossByPosition,
  type LossProgress,
  type SvgChartOptions,
} from '@sympow/evaluation';
import { Session, writeText } from '@sympow/inference';
import { isSympowError } from '@sympow/kernels';
import { folderStorage, readJson } from '@sympow/model';
import type { TrainingEvent } from '@sympow/training';
import type { Command as CommanderCommand } from 'commander';
import { existsSync, renameSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { openCheckpoint } from '../checkpoint';
import { runCommand } from '../child';
import { real, some, whole, type Command } from '../command';
import { demoText, type DemoText } from '../demoText';
import { interruptible } from '../interrupt';
import { ownWords, quoted } from '../invocation';
import { whileLockedBeside } from '../lock';
import { createOutput, duration, inColour, quantity, type Output } from '../output';
import { chartOptions, chartWidth } from './eval';
import { measure } from './doctor';
import type { TrainResult } from './train';

interface Flags extends BackendFlags {
  out: string;
  data?: string[];
  steps?: number;
  minutes: number;
  seed: number;
  json?: true;
}

/** What is compared. Each is a process of its own. */
const names = ['conformal', 'sympow'] as const;
type Name = (typeof names)[number];

/** A model and what it is trained on: as large as learns something in two minutes. */
interface Preset {
  readonly model: readonly string[];
  readonly context: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Additions and multiplications of a step, in 10⁹. */
  readonly gflop: number;
  /** Streams that are evaluated, each 16 training contexts long. */
  readonly streams: number;
}

const presets: Record<'tiny' | 'small' | 'large', Preset> = {
  tiny: {
    model: ['--layers', '2', '--hidden', '64', '--heads', '2', '--head-size', '32'],
    ...{ context: 128, batch: 4, learningRate: 4e-3, gflop: 0.5, streams: 16 },
  },
  small: {
    model: ['--layers', '3', '--hidden', '64', '--heads', '2', '--head-size', '32'],
    ...{ context: 128, batch: 4, learningRate: 4e-3, gflop: 0.75, streams: 96 },
  },
  large: {
    model: ['--layers', '4', '--hidden', '128', '--heads', '4', '--head-size', '32'],
    ...{ context: 256, batch: 8, learningRate: 3e-3, gflop: 12.5, streams: 64 },
  },
};
/** Speed of a product in GFLOP/s from which on the small and the large preset are taken. */
const slow = 3;
const fast = 12;
/** Share of a product's speed that training reaches with both cores at work. */
const efficiency = 0.6;
/** Positions that are evaluated, in training contexts. */
const reach = 16;

/** What the demo keeps about itself, so that it can go on. */
interface Plan {
  readonly preset: keyof typeof presets;
  readonly steps: number;
  readonly finished: boolean;
}

/** The preset and the steps that fit into the time on this machine. */
async function planFor({ minutes, steps, ...flags }: Flags): Promise<Plan> {
  const backend = await openBackend({ ...flags, threads: 1 });
  const speed = await measure(backend);
  await backend.close();
  const preset = speed >= fast ? 'large' : speed >= slow ? 'small' : 'tiny';
  const fitting = (minutes * 60 * speed * efficiency) / presets[preset].gflop;
  return { preset, steps: steps ?? Math.max(100, Math.min(3000, Math.round(fitting / 50) * 50)), finished: false };
}

/** A finished demo moves aside; an interrupted one goes on with the steps that it began with. */
async function begin(flags: Flags, output: Output): Promise<Plan> {
  const storage = folderStorage(flags.out);
  if ((await storage.size('demo.json')) !== undefined) {
    const plan = (await readJson(storage, 'demo.json')) as Plan;
    if (!plan.finished && plan.preset in presets) {
      output.note(`going on with the demo in ${flags.out}`);
      return plan;
    }
    let number = 1;
    while (existsSync(`${flags.out}-${number}`)) number++;
    renameSync(flags.out, `${flags.out}-${number}`);
    output.note(`the last demo is now in ${flags.out}-${number}`);
  }
  const plan = await planFor(flags);
  await storage.write('demo.json', JSON.stringify(plan));
  return plan;
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

/**
 * What reading on is worth, free of the luck of which text stands at which position: the same text read in one go, and with
 * the model started anew every training context.
 */
function sameText(
  long: Record<Name, LossByPosition>,
  restarted: Record<Name, LossByPosition>,
  context: number,
): string {
  const mean = (bins: readonly LossBin[]) => {
    const count = bins.reduce((sum, bin) => sum + bin.count, 0);
    return (bins.reduce((sum, bin) => sum + bin.nats * bin.count, 0) / count).toFixed(3);
  };
  const row = (title: string, value: (name: Name) => string) => `| ${title} | ${names.map(value).join(' | ')} |`;
  return [
    '### The same text, read on or started anew\n',
    row('', (name) => name),
    `| --- | ${names.map(() => '---:').join(' | ')} |`,
    row(`Started anew every ${context} bytes: the second half of them`, (name) =>
      mean(restarted[name].bins.filter(({ from }) => from >= context / 2)),
    ),
    row(`Read on: from ${2 * context} bytes on`, (name) =>
      mean(long[name].bins.filter(({ from }) => from >= 2 * context)),
    ),
    '',
  ].join('\n');
}

async function run(flags: Flags, signal: AbortSignal, output: Output): Promise<Record<string, unknown> | undefined> {
  const start = performance.now();
  const text = demoText(flags.data);
  const data = text.paths;
  const plan = await begin(flags, output);
  const { steps } = plan;
  const { model, context, batch, learningRate, streams } = presets[plan.preset];
  const length = reach * context;
  const folder = (name: Name) => join(flags.out, name);
  // One thread each: the two models share the cores between them.
  const common = ['--backend', flags.backend, '--threads', '1', '--seed', String(flags.seed)];
  if (flags.v8Flags) common.push('--v8-flags', flags.v8Flags);
  if (flags.boundsChecks) common.push('--bounds-checks', flags.boundsChecks);
  output.print(
    `Two models learn to write ${text.what}, byte by byte, from at most ${context} bytes at a time.\n` +
      `One is conformal: its gates and phases depend on what it reads. The other, plain sympow, has neither.\n` +
      `Both take ${steps} steps side by side; then they read ${quantity(length)} bytes at a stretch.\n`,
  );

  const trained = await both<TrainResult, TrainingEvent>(
    (name) => [
      ...['train', ...data, '--out', folder(name), '--variant', name, ...model, '--horizon', String(length), ...common],
      ...[
        '--context',
        String(context),
        '--batch',
        String(batch),
        '--steps',
        String(steps),
        '--lr',
        String(learningRate),
      ],
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

  const evaluate = (positions: number, most: number) =>
    both<LossByPosition, LossProgress>(
      (name) => [
        ...['eval', folder(name), ...data, '--length', String(positions)],
        ...['--streams', String(most), '--batch', '16', ...common],
      ],
      ({ tokens, nats }) => `${quantity(tokens)} bytes read, loss ${nats.toFixed(2)}`,
      signal,
      output,
    );
  const losses = await evaluate(length, streams);
  const restarted = await evaluate(context, streams * reach);
  const evaluations = names.map((name): Evaluation => ({ name, loss: losses[name], context }));
  const series = evaluations.map(lossSeries);
  const chart = chartOptions('Loss by position, held-out text', context);
  output.draw(`\n${terminalChart(series, { ...chart, width: chartWidth(), color: inColour() })}\n`);
  const report = `${lossReport(evaluations).trimEnd()}\n\n${sameText(losses, restarted, context)}`;
  output.print(report);

  output.print('\nThe conformal model writes, with a state of constant size:\n');
  const written = await write(flags, folder('conformal'), text, output);
  const storage = folderStorage(flags.out);
  const drawing = await picture(series, { ...chart, subtitle: `${steps} steps, context ${context}, p = 2` }, output);
  if (drawing !== undefined) await storage.write('loss.svg', drawing);
  const shown = drawing === undefined ? '' : '![Loss by position](loss.svg)\n\n';
  await storage.write('report.md', `# Demo\n\n${shown}${report}\n## Sample\n\n\`\`\`ts\n${written}\n\`\`\`\n`);
  await storage.write('demo.json', JSON.stringify({ ...plan, finished: true }));
  const seconds = (performance.now() - start) / 1000;
  output.print(
    `\n\nIn ${duration(seconds)}. Kept in ${flags.out}: report.md${drawing === undefined ? '' : ', loss.svg'} and both models.`,
  );
  const place = quoted(relative(process.cwd(), folder('conformal')));
  const prompt = text.prompt.trim() ? ` --prompt ${quoted(text.prompt)}` : '';
  output.print(`Go on with: ${ownWords()} generate ${place}${prompt}`);
  return {
    steps,
    seconds,
    ...Object.fromEntries(names.map((name) => [name, { ...trained[name], bins: losses[name].bins }])),
  };
}

/** The chart as SVG, where the packages are that draw it. */
async function picture(
  series: readonly ChartSeries[],
  options: SvgChartOptions,
  output: Output,
): Promise<string | undefined> {
  try {
    return await svgChart(series, options);
  } catch (error) {
    if (!isSympowError(error, 'MISSING_PACKAGE')) throw error;
    output.note(`\nno loss.svg: ${error.message}`);
    return undefined;
  }
}

/** 300 characters, live. */
async function write(flags: Flags, path: string, { prompt }: DemoText, output: Output): Promise<string> {
  const backend = await openBackend(flags);
  try {
    const { model, tokenizer } = await openCheckpoint(backend, path);
    output.write(prompt);
    const { text } = await writeText(model, tokenizer, {
      ...{ prompt, maxTokens: 300, temperature: 0.7, seed: flags.seed, session: new Session(model) },
      write: output.write,
    });
    return prompt + text;
  } finally {
    await backend.close();
  }
}

function options(command: CommanderCommand): void {
  command
    .option('--out <folder>', 'where everything is kept', some('--out', 'a folder'), join('runs', 'demo'))
    .option(
      '--data <path...>',
      'text files or folders to learn from (default: TypeScript declarations, or the code of sympow itself)',
    )
    .option(
      '--minutes <n>',
      'time to train',
      real('--minutes', (x) => x > 0, 'a number above 0'),
      3,
    )
    .option('--steps <n>', 'steps of each model instead of what fits into the time', whole('--steps'));
  withBackend(command);
}

export const demo: Command = {
  name: 'demo',
  description: 'Train, evaluate and listen to two small models, in a few minutes.',
  examples: ['sympow demo', 'sympow demo --data books --minutes 10 --out runs/books-demo'],
  options,
  async run(_args, options) {
    const flags = options as unknown as Flags;
    const output = createOutput(flags.json === true);
    const out = resolve(flags.out);
    const result = await interruptible(output.note, (signal) =>
      whileLockedBeside(out, () => run({ ...flags, out }, signal, output)).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      }),
    );
    if (result) output.json(result);
    else output.note('stopped; the same command goes on from there');
  },
};
