// The folder of one run: its checkpoints, the loss of every step, and what has been measured. Everything but checkpoints is
// small, so that finished runs can be carried from one machine to another.

import { describeValue } from '@sympow/embedding';
import { ConfigError } from '@sympow/kernels';
import { folderStorage, readJson, type Storage } from '@sympow/model';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const mostBytes = 2 ** 28;

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

export class RunFolder {
  readonly storage: Storage;

  constructor(readonly path: string) {
    this.storage = folderStorage(path);
  }

  /**
   * Notes what the run is made of, or checks that it is what it was.
   *
   * @throws ConfigError that names the first difference
   */
  async claim(settings: object): Promise<void> {
    const stored = await this.read('run.json');
    if (stored === undefined) return this.write('run.json', settings);
    const different = firstDifference(settings, stored, '');
    if (different === undefined) return;
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
    return stored !== undefined && firstDifference(settings, stored, '') === undefined;
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

  /** The losses so far, in order. */
  steps(): StepRecord[] {
    const file = join(this.path, 'steps.jsonl');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n');
    // What follows the last line break was being written when the process was killed.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as StepRecord);
  }

  /** Forgets the steps after a checkpoint, which will be done again. */
  keepSteps(last: number): void {
    const kept = this.steps().filter(({ step }) => step <= last);
    const file = join(this.path, 'steps.jsonl');
    mkdirSync(this.path, { recursive: true });
    writeFileSync(`${file}.partial`, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
    renameSync(`${file}.partial`, file);
  }

  addStep(record: StepRecord): void {
    appendFileSync(join(this.path, 'steps.jsonl'), `${JSON.stringify(record)}\n`);
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

interface Difference {
  readonly place: string;
  readonly now: unknown;
  readonly before: unknown;
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
