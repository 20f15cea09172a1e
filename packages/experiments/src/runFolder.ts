// The folder of one run: its checkpoints, the loss of every step, and what has been measured. Everything but checkpoints is
// small, so that finished runs can be carried from one machine to another.

import { ConfigError, describeValue } from '@sympow/core';
import { CheckpointError, readJson } from '@sympow/model';
import type { Storage } from '@sympow/storage';

const mostBytes = 2 ** 28;
const stepsName = 'steps.jsonl';

/** A step of the training. */
export interface StepRecord {
  readonly step: number;
  readonly loss: number;
  /** How long it took. */
  readonly seconds: number;
}

/** What is kept of a training that has ended. */
export interface Trained {
  readonly step: number;
  readonly backend: string;
  /** Most bytes of tensors at one time. */
  readonly peakBytes: number;
}

/** A measurement with what it was measured with; measured anew when that changes. */
interface Measured {
  readonly settings: unknown;
  readonly result: unknown;
}

/** How a folder takes the losses of steps while they come. */
export interface RunFolderOptions {
  /** What messages call it; by default the path of its storage. */
  readonly path?: string;
  /**
   * Puts a line behind a file, for storages where that can be done; `certain` says whether it is to outlast a power failure. Without
   * it the file is written as a whole whenever it is to be certain.
   */
  readonly append?: (name: string, line: string, certain: boolean) => void;
}

/** See the head of this file. */
export class RunFolder {
  readonly path: string;
  /** Lines that are not written yet. */
  private waiting = '';

  constructor(
    readonly storage: Storage,
    private readonly options: RunFolderOptions = {},
  ) {
    this.path = options.path ?? storage.path;
  }

  /** Notes what the run is made of, or checks as {@link check} does. */
  async claim(settings: object): Promise<void> {
    if (await this.check(settings)) return;
    await this.write('run.json', settings);
  }

  /**
   * Whether the run has begun; if it has, checks that it is what it was.
   *
   * @throws ConfigError that names the first difference
   */
  async check(settings: object): Promise<boolean> {
    const stored = await this.read('run.json');
    if (stored === undefined) return false;
    const different = differenceOfRuns(settings, stored);
    if (different === undefined) return true;
    const { place, now, before } = different;
    throw new ConfigError({
      what: `${place} of ${this.path}`,
      value: now,
      expected: `${describeValue(before)}, as the run began`,
      remedy: 'Go on with the file and the data that it began with, or use another --out.',
    });
  }

  /** Whether it holds this run, begun with these settings. */
  async holds(settings: object): Promise<boolean> {
    const stored = await this.read('run.json');
    return stored !== undefined && differenceOfRuns(settings, stored) === undefined;
  }

  trained(): Promise<Trained | undefined> {
    return this.read('trained.json') as Promise<Trained | undefined>;
  }

  saveTrained(trained: Trained): Promise<void> {
    return this.write('trained.json', trained);
  }

  /** A measurement that was made with these settings. */
  async measured(name: string, settings: unknown): Promise<unknown> {
    const stored = (await this.read(`${name}.json`)) as Measured | undefined;
    return stored && firstDifference(settings, stored.settings, '') === undefined ? stored.result : undefined;
  }

  saveMeasured(name: string, measured: Measured): Promise<void> {
    return this.write(`${name}.json`, measured);
  }

  /** The losses so far, in order. A step that was done twice counts once, and what is no record does not count. */
  async steps(): Promise<StepRecord[]> {
    const lines = `${await this.stepLines()}${this.waiting}`.split('\n');
    // What follows the last line break was being written when the process was killed.
    const records = new Map(lines.slice(0, -1).flatMap(recordIn));
    return [...records.values()].sort((a, b) => a.step - b.step);
  }

  /** The losses of a number of steps. @throws CheckpointError where one is missing */
  async stepsTo(last: number): Promise<StepRecord[]> {
    const steps = (await this.steps()).filter(({ step }) => step <= last);
    const missing = steps.findIndex(({ step }, i) => step !== i + 1);
    if (missing < 0 && steps.length === last) return steps;
    const file = `${this.path}/${stepsName}`;
    const step = (missing < 0 ? steps.length : missing) + 1;
    throw new CheckpointError({
      what: file,
      value: step,
      message: `${file} is damaged: the loss of step ${step} of ${last} is missing`,
      expected: 'the losses of all steps',
      remedy: `Remove ${this.path}, and the same command trains this run again.`,
    });
  }

  /** Forgets the steps after a checkpoint, which will be done again. @throws CheckpointError where one before is missing */
  async keepSteps(last: number): Promise<void> {
    const lines = (await this.stepsTo(last)).map((record) => `${JSON.stringify(record)}\n`);
    this.waiting = '';
    await this.storage.write(stepsName, lines.join(''));
  }

  /** @param certain - whether it is to outlast a power failure, as a checkpoint does that follows */
  async addStep(record: StepRecord, certain: boolean): Promise<void> {
    const line = `${JSON.stringify(record)}\n`;
    const { append } = this.options;
    if (append) {
      append(stepsName, line, certain);
      return;
    }
    this.waiting += line;
    if (certain) await this.settle();
  }

  /** Writes the steps that wait to be written. */
  async settle(): Promise<void> {
    if (this.waiting === '') return;
    await this.storage.write(stepsName, `${await this.stepLines()}${this.waiting}`);
    this.waiting = '';
  }

  private async stepLines(): Promise<string> {
    if ((await this.storage.size(stepsName)) === undefined) return '';
    return new TextDecoder().decode(await this.storage.read(stepsName));
  }

  private async read(name: string): Promise<unknown> {
    return (await this.storage.size(name)) === undefined ? undefined : readJson(this.storage, name, mostBytes);
  }

  private write(name: string, value: unknown): Promise<void> {
    return this.storage.write(name, `${JSON.stringify(value)}\n`);
  }

  /** Takes what another folder has of the same run, without its checkpoints. */
  async copyFrom(other: RunFolder): Promise<void> {
    for (const name of await other.storage.list()) {
      if (!/\.jsonl?$/.test(name)) continue;
      await this.storage.write(name, await other.storage.read(name));
    }
  }
}

/** A line of the losses, under its step. */
function recordIn(line: string): [number, StepRecord][] {
  try {
    const record = JSON.parse(line) as StepRecord;
    const sound = Number.isSafeInteger(record.step) && Number.isFinite(record.loss) && Number.isFinite(record.seconds);
    return sound ? [[record.step, record]] : [];
  } catch {
    return [];
  }
}

interface Difference {
  readonly place: string;
  readonly now: unknown;
  readonly before: unknown;
}

/** Runs that earlier versions began know no fingerprint of their data. */
function differenceOfRuns(now: object, before: unknown): Difference | undefined {
  const found = firstDifference(now, before, '');
  return found?.place === 'data.content' && found.before === undefined
    ? firstDifference({ ...now, data: { ...(now as { data: object }).data, content: undefined } }, before, '')
    : found;
}

/** The first place where two values differ as JSON. */
function firstDifference(now: unknown, before: unknown, place: string): Difference | undefined {
  if (typeof now !== 'object' || now === null || typeof before !== 'object' || before === null) {
    return now === before ? undefined : { place: place || 'the whole', now, before };
  }
  const [a, b] = [now, before] as Record<string, unknown>[] as [Record<string, unknown>, Record<string, unknown>];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = firstDifference(a[key], b[key], place === '' ? key : `${place}.${key}`);
    if (found) return found;
  }
  return undefined;
}
