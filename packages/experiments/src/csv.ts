// The results as rows for other programs (RFC 4180): one file each for runs, positions, training curves and recall.

import type { Results } from './results';

type Cell = string | number | null | undefined;

/** Files by name. */
export function csvFiles({ runs }: Results): Record<string, string> {
  const key = ['run', 'variant', 'context', 'seed'];
  const keyOf = (run: Results['runs'][number]): Cell[] => [run.id, run.variant, run.context, run.seed];
  const recalls = runs.flatMap((run) =>
    Object.entries(run.recall).flatMap(([test, { byDistance, byCondition }]) => [
      ...byDistance.map(({ from, to, ...row }) => ({ run, test, by: 'distance', from, to, ...row })),
      ...Object.entries(byCondition).flatMap(([by, rows]) =>
        rows.map(({ value, ...row }) => ({ run, test, by, from: value, to: value, ...row })),
      ),
    ]),
  );
  return {
    'runs.csv': csv(
      [
        ...key,
        'finished',
        'parameters',
        'batch',
        'steps',
        'train_loss',
        'loss',
        'loss_stderr',
        'best_loss',
        'bits_per_byte',
      ],
      runs.map((run) => [
        ...keyOf(run),
        ...[`${run.finished}`, run.parameters, run.batch, run.steps, run.trainLoss],
        ...[run.loss?.nats, run.loss?.stderr, run.loss?.best?.nats, run.loss?.bitsPerByte],
      ]),
    ),
    'positions.csv': csv(
      [...key, 'from', 'to', 'nats', 'stderr', 'tokens'],
      runs.flatMap((run) =>
        (run.loss?.bins ?? []).map(({ from, to, nats, stderr, count }) => [
          ...keyOf(run),
          from,
          to,
          nats,
          stderr,
          count,
        ]),
      ),
    ),
    'curves.csv': csv(
      [...key, 'step', 'loss'],
      runs.flatMap((run) => run.curve.map(({ step, loss }) => [...keyOf(run), step, loss])),
    ),
    ...(recalls.length > 0 && {
      'recall.csv': csv(
        [...key, 'test', 'by', 'from', 'to', 'accuracy', 'stderr', 'answers'],
        recalls.map(({ run, test, by, from, to, accuracy, stderr, answers }) => [
          ...keyOf(run),
          ...[test, by, from, to, accuracy, stderr, answers],
        ]),
      ),
    }),
  };
}

function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  // A spreadsheet would compute what begins so; numbers may.
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
