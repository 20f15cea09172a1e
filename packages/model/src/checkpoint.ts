/**
 * Checkpoints: a model as a folder of files, and a run as a folder of checkpoints.
 *
 * A checkpoint holds `config.json` and `model.safetensors`, whatever a run adds to them (`tokenizer.json`, and
 * `training.json` with `training.safetensors` to go on from), and `checksums.json` over all of these. A run keeps its newest ones in `checkpoints/step-00000100` and
 * so on. There a checkpoint is written under a name that ends in `.partial`, every file is flushed, and then it is renamed:
 * whatever happens, a folder named `step-…` alone is complete. What is left over otherwise is removed when the run goes on.
 */

import { isSympowError, requireWhole, type Backend, type Tensor } from '@sympow/kernels';
import { isAddress, isStorageError, openStorage, requireSize, type FileContents, type Storage } from '@sympow/storage';
import type { ComputeOptions, PrecisionOptions, ModelConfig, ModelEntries, TrainableOptions } from './api';
import { checkedStorage, ChecksumRecord, CHECKSUMS, orDamage, verifyCheckpoint } from './checksums';
import { configToJson, modelConfig } from './config';
import { CheckpointError } from './errors';
import { weightsChanged } from './fingerprint';
import { formatOf, type CheckpointFormat } from './formats';
import { Model } from './model';
import { parameterSpecs } from './parameters';
import { encodeTensors, openTensors, readTensors, requireTensors, type Foreign } from './tensorFile';

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const CHECKPOINTS = 'checkpoints';
const PARTIAL = '.partial';
const COMPLETE = /^step-(\d{8,15})$/;
const MAX_JSON_BYTES = 2 ** 20;
const SERVER = 'A server does not list what it has: name the folder of the checkpoint itself.';

/** Files beside a model's own, by name. */
export type CheckpointFiles = Readonly<Record<string, FileContents>>;

/** A checkpoint of a run. */
export interface Checkpoint {
  /** Updates done. */
  readonly step: number;
  readonly storage: Storage;
}

/** What {@link saveCheckpoint} saves. */
export interface SaveCheckpointOptions {
  readonly model: Model;
  /** Updates done: the name of the checkpoint. */
  readonly step: number;
  readonly files?: CheckpointFiles;
  /** How many of the newest checkpoints stay, this one included; at least 1, default 2. */
  readonly keep?: number;
}

/**
 * Writes a model into a folder, with other files beside it and the checksums of all. Each file that is there already is
 * replaced in one step.
 *
 * @throws CheckpointError if a file cannot be written
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { loadModel, memoryStorage, Model, modelConfig, saveModel } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const storage = memoryStorage(); // or folderStorage('my-model')
 * await saveModel(storage, model);
 * const copy = await loadModel(backend, storage);
 * console.log(copy.config.hiddenSize); // 16
 * ```
 */
export async function saveModel(storage: Storage, model: Model, files: CheckpointFiles = {}): Promise<void> {
  const checksums = new ChecksumRecord();
  const write = (name: string, contents: FileContents) => storage.write(name, checksums.of(name, contents));
  for (const [name, contents] of Object.entries(files)) await write(name, contents);
  await write(WEIGHTS, encodeTensors(weightsOf(model)));
  await write(CONFIG, `${JSON.stringify(modelToJson(model), null, 2)}\n`);
  await storage.write(CHECKSUMS, checksums.toString());
}

/** How a loaded model computes, which of its weights are trained, and entries of your own that its configuration may name. */
export interface LoadOptions extends ComputeOptions, TrainableOptions, PrecisionOptions {
  readonly entries?: ModelEntries;
}

/**
 * The model in a folder: one that {@link saveModel} wrote, the newest checkpoint of a run, or one of the {@link formats} of others. Weights go to the backend one
 * by one, and are compared with `checksums.json` on their way. Nothing is allocated before all files are found to fit.
 *
 * @param from - the folder, or its path or address
 * @throws CheckpointError if there is none, or its files are damaged or do not belong together; where another checkpoint of a
 * run is intact, the remedy names it
 * @throws StorageError if a file cannot be read, or a server does not answer
 *
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { folderStorage, loadModel, Model, modelConfig, saveModel } from '@sympow/model';
 * const backend = await js().open();
 * const config = modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 });
 * await saveModel(folderStorage('models/first'), Model.create(backend, config, { seed: 1 }));
 * const model = await loadModel(backend, 'models/first', { form: 'chunked' }); // or 'https://…'
 * console.log(model.config.layers, model.parameters.size); // 1 14
 * ```
 */
export async function loadModel(backend: Backend, from: Storage | string, options: LoadOptions = {}): Promise<Model> {
  const { entries, ...use } = options;
  const folder = await findCheckpoint(from);
  const adapter = await adapterIn(folder);
  if (adapter) {
    throw new CheckpointError({
      what: `adapter in ${folder.path}/${CONFIG}`,
      value: adapter.name,
      expected: 'a whole model',
      remedy: 'Load the model that was adapted, and then this with loadAdapted.',
    });
  }
  const { config, foreign } = await readFormat(folder, entries);
  await orDamage(folder, WEIGHTS, async () => {
    requireTensors(await openTensors(folder, WEIGHTS), parameterSpecs(config), `${folder.path}/${WEIGHTS}`, foreign);
  });
  const model = Model.blank(backend, config, use);
  try {
    await readTensors(folder, WEIGHTS, weightsOf(model), foreign);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

/**
 * Replaces a model's weights by those of a checkpoint of the same configuration.
 *
 * @throws CheckpointError if they are missing, damaged, or those of another model
 */
export async function loadWeights(model: Model, storage: Storage): Promise<void> {
  try {
    const { format } = await formatOf(await readJson(storage, CONFIG));
    await readTensors(storage, WEIGHTS, weightsOf(model), foreignOf(format, model.config));
  } finally {
    weightsChanged(model);
  }
}

function foreignOf({ origin, ignores }: CheckpointFormat, config: ModelConfig): Foreign {
  return { origin: origin && ((name) => origin(config, name)), ignores };
}

/** `config.json` of a model, with what adapts it. */
function modelToJson({ config, adapted }: Model): Record<string, unknown> {
  if (!adapted) return configToJson(config);
  const { name, settings } = adapted.adapter;
  return { ...configToJson(config), adapter: { name, ...settings } };
}

/** What a checkpoint says that it adapts another model with; nothing where it holds a whole one. */
export async function adapterIn(storage: Storage): Promise<{ name: string; settings: object } | undefined> {
  const json = (await readJson(storage, CONFIG)) as { adapter?: unknown } | null;
  if (typeof json?.adapter !== 'object' || json.adapter === null) return undefined;
  const { name, ...settings } = json.adapter as { name?: unknown };
  return { name: String(name), settings };
}

/** The configuration in a checkpoint. @throws CheckpointError if it is missing or makes no sense */
export async function readConfig(storage: Storage, entries: ModelEntries = {}): Promise<ModelConfig> {
  return (await readFormat(storage, entries)).config;
}

/** What a checkpoint says of itself: its format, the configuration, and where the weights of that stand in its files. */
export async function readFormat(
  storage: Storage,
  entries: ModelEntries = {},
): Promise<{ readonly format: CheckpointFormat; readonly config: ModelConfig; readonly foreign: Foreign }> {
  const json = await readJson(storage, CONFIG);
  try {
    const { format, fields } = await formatOf(json);
    const config = modelConfig(format.config(fields), entries);
    return { format, config, foreign: foreignOf(format, config) };
  } catch (cause) {
    if (!isSympowError(cause)) throw cause;
    const { value, expected, remedy, problem } = cause;
    const message = `${storage.path}/${CONFIG} describes no model that can be loaded (${problem})`;
    throw new CheckpointError({ what: CONFIG, value, message, expected, remedy, cause });
  }
}

/**
 * A JSON file, such as the `tokenizer.json` of a checkpoint.
 *
 * @param maxBytes - how long it may be; 1 MiB unless said otherwise
 * @throws CheckpointError if it is missing, longer, or not JSON
 */
export async function readJson(storage: Storage, name: string, maxBytes = MAX_JSON_BYTES): Promise<unknown> {
  const path = `${storage.path}/${name}`;
  const bytes = await requireSize(storage, name);
  if (bytes > maxBytes) {
    throw new CheckpointError({ what: `length of ${path}`, value: bytes, expected: `at most ${maxBytes} bytes` });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await storage.read(name, 0, bytes)));
  } catch (cause) {
    if (isSympowError(cause)) throw cause;
    const message = `${path} cannot be read (${(cause as Error).message})`;
    throw new CheckpointError({ what: name, value: undefined, message, expected: 'JSON in UTF-8', cause });
  }
}

/**
 * The folder of a checkpoint, wherever one is meant: the folder itself, or the newest checkpoint of a run. What is read from
 * it is compared with `checksums.json` where it has one.
 *
 * @throws CheckpointError if there is none, or its `checksums.json` is damaged
 */
export async function findCheckpoint(from: Storage | string): Promise<Storage> {
  const storage = typeof from === 'string' ? openStorage(from) : from;
  if ((await storage.size(CONFIG)) !== undefined) return checkedStorage(storage);
  const newest = await newestOf(storage);
  if (newest) return newest.storage;
  throw new CheckpointError({
    what: storage.path,
    value: undefined,
    message: `there is no checkpoint in ${storage.path}`,
    expected: `a folder with ${CONFIG}, or that of a run with ${CHECKPOINTS} in it`,
    remedy: isAddress(storage.path) ? SERVER : 'Check the path.',
  });
}

/**
 * The newest complete checkpoint of a run; nothing if it has none yet. What is read from it is compared with its
 * `checksums.json`, and where it is damaged the error names the newest one that is not.
 *
 * @throws CheckpointError if its `checksums.json` is damaged
 */
export async function latestCheckpoint(run: Storage): Promise<Checkpoint | undefined> {
  return newestIn(run.folder(CHECKPOINTS));
}

/** The newest checkpoint in the folder of a run or of its checkpoints. What cannot be listed is neither. */
async function newestOf(storage: Storage): Promise<Checkpoint | undefined> {
  try {
    return (await latestCheckpoint(storage)) ?? (await newestIn(storage));
  } catch (error) {
    if (isStorageError(error, 'unlisted')) return undefined;
    throw error;
  }
}

async function newestIn(folder: Storage): Promise<Checkpoint | undefined> {
  const found = await completeIn(folder);
  const newest = found.pop();
  if (!newest) return undefined;
  const sound = async () => {
    for (const { storage } of found.reverse()) {
      const names: readonly string[] = await verifyCheckpoint(storage).catch(() => []);
      if (names.includes(CONFIG) && names.includes(WEIGHTS)) return storage;
    }
    return undefined;
  };
  return { step: newest.step, storage: await checkedStorage(newest.storage, sound) };
}

/**
 * Gets a run's folder ready to save into: removes what an interrupted run has left there half-written, and makes sure that
 * files can be written. Only one process at a time may work on a run.
 *
 * @throws CheckpointError if they cannot
 */
export async function prepareCheckpoints(run: Storage): Promise<void> {
  const folder = run.folder(CHECKPOINTS);
  await folder.write(`probe${PARTIAL}`, '');
  for (const name of await folder.list()) if (name.endsWith(PARTIAL)) await folder.remove(name);
}

/**
 * Adds a checkpoint to a run and then removes all but the newest. Until it is complete and on disk, and if it cannot be
 * saved, the earlier ones stay as they are.
 *
 * @returns where it is
 * @throws CheckpointError if it cannot be written, or the run has one of this step
 * @throws ConfigError for a step that is not a whole number of at least 0, or a `keep` below 1
 * @example
 * ```ts
 * const { path } = await saveCheckpoint(folderStorage('runs/first'), { model, step: 100 });
 * // …/runs/first/checkpoints/step-00000100
 * ```
 */
export async function saveCheckpoint(run: Storage, options: SaveCheckpointOptions): Promise<Storage> {
  const { model, step, files, keep = 2 } = options;
  requireWhole('step', step, 0);
  requireWhole('keep', keep, 1);
  const folder = run.folder(CHECKPOINTS);
  const name = `step-${String(step).padStart(8, '0')}`;
  const partial = name + PARTIAL;
  await clear(folder, name);
  if ((await folder.list()).includes(name)) {
    const message = `there is a checkpoint of step ${step} in ${folder.path}`;
    throw new CheckpointError({ what: 'step', value: step, message, expected: 'none', remedy: 'Use another folder.' });
  }
  try {
    await folder.remove(partial);
    await saveModel(folder.folder(partial), model, files);
    await folder.rename(partial, name);
  } catch (error) {
    await folder.remove(partial).catch(() => undefined);
    throw error;
  }
  for (const old of (await completeIn(folder)).slice(0, -keep)) if (old.name !== name) await retire(folder, old.name);
  return folder.folder(name);
}

/** Removes a checkpoint, which from the first moment on does not count as one. */
async function retire(folder: Storage, name: string): Promise<void> {
  await folder.rename(name, name + PARTIAL);
  await folder.remove(name + PARTIAL);
}

/** Moves away what only bears the name of a checkpoint. */
async function clear(folder: Storage, name: string): Promise<void> {
  const names = await folder.list();
  if (!names.includes(name) || (await holdsFiles(folder, name))) return;
  let stray = `${name}.stray`;
  while (names.includes(stray)) stray += '.stray';
  await folder.rename(name, stray);
}

/** Whether a name is that of a folder with something in it. */
async function holdsFiles(folder: Storage, name: string): Promise<boolean> {
  return (await folder.size(name)) === undefined && (await folder.folder(name).list()).length > 0;
}

/** Complete checkpoints in a folder, the newest last. A file, or a folder without files, is none, whatever it is called. */
async function completeIn(folder: Storage): Promise<(Checkpoint & { readonly name: string })[]> {
  const found: (Checkpoint & { readonly name: string })[] = [];
  for (const name of await folder.list()) {
    const step = COMPLETE.exec(name)?.[1];
    if (step === undefined || !(await holdsFiles(folder, name))) continue;
    found.push({ step: Number(step), name, storage: folder.folder(name) });
  }
  return found.sort((a, b) => a.step - b.step);
}

function weightsOf(model: Model): ReadonlyMap<string, Tensor> {
  return new Map([...model.parameters].map(([name, { value }]) => [name, value]));
}
