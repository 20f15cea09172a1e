/** Evaluations as Markdown: the losses in a table, and in words what they show and what they do not. */

import { requireWhole } from '@sympow/kernels';
import type { Difference, Evaluation, LossBin, LossReportOptions } from './api';
import { oneLine } from './axis';
import { meanOverStreams, shareOf } from './bins';
import { difference } from './difference';

/**
 * A report of one or several models: their losses by position, what reading them takes, and a few sentences that follow from the
 * numbers. A difference is only called one where the 95 % interval of the paired difference leaves 0 out.
 *
 * @throws ConfigError for a training context that is not a whole number of at least 1
 * @example
 * ```ts
 * await writeFile('report.md', lossReport([{ name: 'conformal', loss: result, context: 1024 }]));
 * ```
 */
export function lossReport(evaluations: readonly Evaluation[], { title }: LossReportOptions = {}): string {
  for (const { context } of evaluations) if (context !== undefined) requireWhole('context', context, 1);
  const named = evaluations.map((evaluation) => ({ ...evaluation, name: inTable(evaluation.name) }));
  return [
    `# ${inTable(title ?? 'Loss by position')}`,
    'Nats per token: mean ± standard error over documents, or over streams where all come from one document.',
    table([['Position', ...named.map(({ name }) => name)], ...lossRows(named)]),
    table([['', ...named.map(({ name }) => name)], ...factRows(named)]),
    '## What the curves show',
    ...named.flatMap((evaluation) => [
      `### ${heading(evaluation)}`,
      sentences(evaluation)
        .map((s) => `- ${s}`)
        .join('\n'),
    ]),
  ].join('\n\n');
}

/** Text that stays in its cell. */
function inTable(text: string): string {
  return oneLine(text).replace(/[\\|<>`*_[\]]/g, (character) => `\\${character}`);
}

function table([head, ...body]: readonly (readonly string[])[]): string {
  const rule = head!.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head!, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function lossRows(evaluations: readonly Evaluation[]): string[][] {
  const key = ({ from, to }: LossBin) => `${from} ${to}`;
  const ranges = new Map(evaluations.flatMap(({ loss }) => loss.bins.map((bin) => [key(bin), bin] as const)));
  const contexts = new Set(evaluations.map(({ context }) => context));
  const common = contexts.size === 1 ? evaluations[0]?.context : undefined;
  const rows = [...ranges.values()].sort((a, b) => a.from - b.from || a.to - b.to);
  return [
    ...rows.map((row) => [
      `${rangeText(row)}${common !== undefined && row.from >= common ? ' (beyond)' : ''}`,
      ...evaluations.map(({ loss }) => {
        const bin = loss.bins.find((each) => key(each) === key(row));
        return bin ? withError(bin) : '';
      }),
    ]),
    ['**all**', ...evaluations.map(({ loss }) => withError(loss))],
  ];
}

function factRows(evaluations: readonly Evaluation[]): string[][] {
  const row = (name: string, text: (evaluation: Evaluation) => string) => [name, ...evaluations.map(text)];
  return [
    row('Best bin', ({ loss }) => (loss.best ? `${fixed(loss.best.nats)} at ${rangeText(loss.best)}` : 'none')),
    ...(evaluations.some(({ loss }) => loss.bitsPerByte !== null)
      ? [row('Bits per byte', ({ loss }) => (loss.bitsPerByte === null ? '' : fixed(loss.bitsPerByte)))]
      : []),
    row('Trained to', ({ context }) => (context === undefined ? '' : thousands(context))),
    row('Streams × tokens', ({ loss }) => `${thousands(loss.streams.length)} × ${thousands(loss.length)}`),
    row('Documents', ({ loss }) => thousands(loss.documents)),
    row('State of one stream', ({ loss }) => (loss.stateBytes > 0 ? bytesText(loss.stateBytes) : 'grows')),
    row(
      'Key/value cache of one',
      ({ loss }) => `${loss.stateBytes > 0 ? 'would be ' : ''}${bytesText(loss.cacheBytes)}`,
    ),
    row('Tokens per second', ({ loss }) => thousands(Math.round(loss.tokensPerSecond))),
  ];
}

function heading({ name, context, loss }: Evaluation): string {
  const streams = loss.streams.length === 1 ? '1 stream' : `${thousands(loss.streams.length)} streams`;
  const trained = context === undefined ? '' : `trained to ${thousands(context)} tokens, `;
  return `${name}: ${trained}read ${streams} of ${thousands(loss.length)}`;
}

/** What an evaluation shows, one fact per sentence. */
function sentences({ loss, context }: Evaluation): string[] {
  const { bins, streams } = loss;
  const numbers = bins.map((_, bin) => bin).filter((bin) => bins[bin]!.count > 0);
  const broken = numbers.find((bin) => !Number.isFinite(bins[bin]!.nats));
  if (numbers.length === 0) return ['No token was predicted.'];
  if (broken !== undefined) return [`The loss is not a finite number from positions ${rangeText(bins[broken]!)} on.`];
  const inside = numbers.filter((bin) => context === undefined || bins[bin]!.to <= context);
  const beyond = numbers.filter((bin) => context !== undefined && bins[bin]!.from >= context);
  const [first, edge, farthest] = [inside[0], inside.at(-1), beyond.at(-1)];
  const text: string[] = [];
  if (first !== undefined && edge !== undefined && first !== edge) {
    const change = difference(streams, [first], [edge]);
    const where = context === undefined ? 'Over its length' : 'Inside the training context';
    text.push(
      `${where} the loss goes from ${withError(bins[first]!)} at ${rangeText(bins[first]!)} to ${withError(bins[edge]!)} at ` +
        `${rangeText(bins[edge]!)}: ${verdict(change, { lower: 'more context helps', higher: 'more context hurts' })}`,
    );
  }
  if (context === undefined) return text.length > 0 ? text : ['There is one bin only, so nothing to compare.'];
  const across = numbers.find((bin) => bins[bin]!.from < context && bins[bin]!.to > context);
  if (across !== undefined) {
    text.push(
      `Positions ${rangeText(bins[across]!)} lie on both sides of the training context and are left out here; pass it in \`edges\`.`,
    );
  }
  if (farthest === undefined) return [...text, 'Nothing was read beyond the training context.'];
  if (edge === undefined) return [...text, 'There is no bin inside the training context to compare with.'];
  const outside = meanOverStreams(streams.map((stream) => shareOf(stream, beyond)));
  const reasons = { lower: 'it goes on improving', higher: 'it is worse there' };
  text.push(
    `Beyond the training context the loss is ${withError(outside)}, against ${withError(bins[edge]!)} at ${rangeText(bins[edge]!)}, the last bin ` +
      `inside: ${verdict(difference(streams, [edge], beyond), reasons)}`,
  );
  if (beyond.length > 1) {
    text.push(
      `At the far end, ${rangeText(bins[farthest]!)}, which is ${times(loss.length / context)} the training context, it is ` +
        `${withError(bins[farthest]!)}: ${verdict(difference(streams, [edge], [farthest]), reasons)}`,
    );
  }
  return text;
}

/** A difference in words, with its 95 % interval. */
function verdict({ nats, halfWidth, verdict: kind }: Difference, means: { lower: string; higher: string }): string {
  const size = `${signed(nats)}`;
  if (halfWidth === null) return `${size}, but one stream says nothing about how sure that is.`;
  const interval = `${size} ± ${fixed(halfWidth)} (95 %, paired by stream)`;
  switch (kind) {
    case 'lower':
    case 'higher':
      return `${interval}, ${means[kind]}.`;
    case 'none':
      return `${interval}, no difference that these streams can show.`;
    case 'unknown':
      return 'not finite.';
  }
}

function rangeText({ from, to }: Pick<LossBin, 'from' | 'to'>): string {
  return to - from === 1 ? thousands(from) : `${thousands(from)}–${thousands(to - 1)}`;
}

function withError({ nats, stderr }: { nats: number; stderr: number | null }): string {
  return stderr === null || !Number.isFinite(nats) ? fixed(nats) : `${fixed(nats)} ± ${fixed(stderr)}`;
}

/** Three decimals, or `not finite`: a loss that came back from JSON as null is no number either. */
function fixed(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : 'not finite';
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${fixed(Math.abs(value))}`;
}

function times(ratio: number): string {
  return `${Number(ratio.toPrecision(3))} times`;
}

function thousands(value: number): string {
  return `${value}`.replace(/\B(?=(\d{3})+$)/g, ',');
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(bytes) / 10)));
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}
