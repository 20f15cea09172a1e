// Runs that this browser keeps: a folder of its own file system each, with the text, the plan, the curve and the checkpoints that
// training writes. One tab at a time works on a run.

import { latestCheckpoint, readJson } from '@sympow/model';
import { opfsStorage, type Storage } from '@sympow/storage';
import type { Curve, KeptRun, Plan } from './messages';

const PLAN = 'plan.json';
const TEXT = 'text.txt';
const CURVE = 'curve.json';
const folder = () => opfsStorage('sympow-playground');

/** The folder of a run. */
export const runFolder = (id: string): Storage => folder().folder(id);

/** Makes the folder of a new run; nothing where this browser keeps no files. */
export async function keep(plan: Plan): Promise<string | undefined> {
  const id = `run-${Date.now()}`;
  try {
    const { text, ...rest } = plan;
    await runFolder(id).write(TEXT, text.text);
    await runFolder(id).write(PLAN, JSON.stringify({ ...rest, text: { name: text.name } }));
    return id;
  } catch {
    return undefined;
  }
}

/** What a run was begun with. @throws StorageError, CheckpointError where it is not there or is damaged */
export async function planOf(id: string): Promise<Plan> {
  const plan = (await readJson(runFolder(id), PLAN)) as Plan;
  const text = new TextDecoder().decode(await runFolder(id).read(TEXT));
  return { ...plan, text: { ...plan.text, text } };
}

/** Gives a run another name. */
export async function rename(id: string, label: string): Promise<void> {
  const plan = (await readJson(runFolder(id), PLAN)) as Plan;
  await runFolder(id).write(PLAN, JSON.stringify({ ...plan, label }));
}

export async function keepCurve(id: string, curve: Curve): Promise<void> {
  await runFolder(id).write(CURVE, JSON.stringify(curve));
}

export async function curveOf(id: string): Promise<Curve> {
  return (await readJson(runFolder(id), CURVE).catch(() => ({ train: [], heldOut: [] }))) as Curve;
}

/** Runs with a checkpoint, the newest first. */
export async function keptRuns(): Promise<KeptRun[]> {
  const names = await folder()
    .list()
    .catch(() => [] as readonly string[]);
  const runs = names.map(async (id): Promise<KeptRun[]> => {
    try {
      const [checkpoint, plan] = await Promise.all([latestCheckpoint(runFolder(id)), planOf(id)]);
      if (!checkpoint) return [];
      return [
        {
          id,
          name: plan.text.name,
          label: plan.label ?? plan.text.name,
          step: checkpoint.step,
          steps: plan.training.steps,
        },
      ];
    } catch {
      return [];
    }
  });
  return (await Promise.all(runs)).flat().sort((a, b) => b.id.localeCompare(a.id));
}

export async function forget(id: string): Promise<void> {
  await folder().remove(id);
}

/** Holds a run for this tab while `body` works on it. @throws Error where another tab has it */
export async function alone<T>(id: string | undefined, body: () => Promise<T>): Promise<T> {
  const { locks } = globalThis.navigator;
  if (id === undefined || !('request' in (locks ?? {}))) return body();
  const held = await locks.request(id, { ifAvailable: true }, async (lock) => lock && { value: await body() });
  if (held) return held.value;
  throw new Error('Another tab works on this run. Close it there, or begin a new run here.');
}
