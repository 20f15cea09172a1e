/**
 * What a checkpoint holds beside the model, so that a run goes on as if it had never stopped: `training.json` with the step,
 * the settings, the place in the data and the rows drawn (which is all the randomness there is), and `training.safetensors`
 * with the optimizer's moments.
 */

import type { Cursor } from '@sympow/data';
import { describeValue } from '@sympow/embedding';
import { ConfigError } from '@sympow/kernels';
import {
  CheckpointError,
  configToJson,
  encodeTensors,
  entriesOf,
  loadWeights,
  readConfig,
  readJson,
  readTensors,
  type Checkpoint,
  type CheckpointFiles,
  type Model,
  type Storage,
} from '@sympow/model';
import type { AdamW } from './adamw';
import type { Computed, DataMark } from './marks';
import type { RunSettings } from './settings';

const STATE = 'training.json';
const MOMENTS = 'training.safetensors';
const VERSION = 1;

/** `training.json`. */
interface TrainingState {
  /** Updates done. */
  readonly step: number;
  readonly settings: RunSettings;
  readonly data: DataMark;
  /** Absent where an earlier version saved. */
  readonly computed?: Computed | undefined;
  readonly cursor: Cursor;
}

/** The files of a checkpoint from which {@link restoreTraining} goes on. */
export function trainingFiles(state: TrainingState, optimizer: AdamW): CheckpointFiles {
  return {
    [STATE]: `${JSON.stringify({ version: VERSION, ...state }, null, 2)}\n`,
    [MOMENTS]: encodeTensors(optimizer.tensors()),
  };
}

/** How far a checkpoint has been trained, and with what settings. */
export interface TrainingRecord extends RunSettings {
  /** Updates done. */
  readonly step: number;
}

/**
 * How a checkpoint was trained; nothing for a model that was saved without its training.
 *
 * @throws CheckpointError if `training.json` is damaged
 * @example
 * ```ts
 * const record = await readTraining(await findCheckpoint(folderStorage('runs/first')));
 * console.log(record?.step, record?.context);
 * ```
 */
export async function readTraining(storage: Storage): Promise<TrainingRecord | undefined> {
  if ((await storage.size(STATE)) === undefined) return undefined;
  const { step, settings } = await readState(storage);
  return { ...settings, step };
}

/**
 * `training.json` of a checkpoint that is to be gone on with.
 *
 * @throws CheckpointError if it is missing or damaged
 */
export async function readState(storage: Storage): Promise<TrainingState> {
  if ((await storage.size(STATE)) === undefined) {
    throw new CheckpointError({
      what: STATE,
      value: undefined,
      message: `${storage.path} holds a model but no ${STATE}`,
      expected: 'a checkpoint that training saved',
      remedy: 'Load the model and begin a new run in another folder.',
    });
  }
  const path = `${storage.path}/${STATE}`;
  const stored = (await readJson(storage, STATE)) as Partial<TrainingState & { version: number }> | null;
  if (stored?.version !== VERSION) {
    throw new CheckpointError({ what: `version in ${path}`, value: stored?.version, expected: `${VERSION}` });
  }
  const { step, settings, data, computed, cursor } = stored;
  for (const [what, part] of Object.entries({ settings, data, cursor })) {
    if (typeof part === 'object' && part !== null) continue;
    throw new CheckpointError({ what: `${what} in ${path}`, value: part, expected: 'an object' });
  }
  if (!Number.isSafeInteger(step) || step! < 0) {
    throw new CheckpointError({ what: `step in ${path}`, value: step, expected: 'a whole number of at least 0' });
  }
  // Infinity is null in JSON.
  const clip = settings!.clip ?? Infinity;
  return { step: step!, settings: { ...settings!, clip }, data: data!, computed, cursor: cursor! };
}

/** @throws CheckpointError where a checkpoint is of another step than the name of its folder says */
export function requireStep({ step, storage }: Checkpoint, state: TrainingState): void {
  if (state.step === step) return;
  throw new CheckpointError({
    what: `step in ${storage.path}/${STATE}`,
    value: state.step,
    expected: `${step}, as the name of the folder says`,
    remedy: 'Give the folder its own name back, or move it away to go on from the one before it.',
  });
}

/**
 * Checks that a run is the one that a checkpoint was saved by.
 *
 * @throws ConfigError that names the first difference
 */
export async function requireSameRun(
  { storage }: Checkpoint,
  state: TrainingState,
  model: Model,
  settings: RunSettings,
  data: DataMark,
): Promise<void> {
  const compare = (kind: string, now: object, stored: object) => {
    const before = stored as Record<string, unknown>;
    for (const [key, value] of Object.entries(now)) {
      // A setting may be a list.
      if (JSON.stringify(value) === JSON.stringify(before[key])) continue;
      throw new ConfigError({
        what: `${kind}${key}`,
        value,
        expected: `${describeValue(before[key])}, as in ${storage.path}`,
        remedy: 'Go on with what the run began with, or use another folder for a new run.',
      });
    }
  };
  compare('', settings, state.settings);
  const stored = await readConfig(storage, entriesOf(model.config));
  compare('model: ', configToJson(model.config), configToJson(stored));
  const { name, settings: own } = model.adapted?.adapter ?? {};
  const { adapter } = (await readJson(storage, 'config.json')) as { adapter?: unknown };
  compare('model: ', { adapter: name && { name, ...own } }, { adapter });
  compare('data: ', data, state.data);
}

/** Puts weights and moments back. @throws CheckpointError if they are missing or damaged */
export async function restoreTraining(storage: Storage, step: number, model: Model, optimizer: AdamW): Promise<void> {
  await loadWeights(model, storage);
  await readTensors(storage, MOMENTS, optimizer.tensors());
  optimizer.steps = step;
}
