/** By what the data of a run are recognised when it goes on, and how its numbers were computed so far. */

import type { TrainingBatches } from '@sympow/data';
import type { TrainingOptions } from './api';

/** The mark of data. Runs that earlier versions began have no `content`. */
export interface DataMark {
  readonly documents: number;
  readonly tokens: number;
  /** The fingerprint of what is drawn from. */
  readonly content?: string | undefined;
  /** Where there is none: a hash of the first row of the run, a random place in the data. */
  readonly firstRow?: number | undefined;
}

/**
 * The mark of data, from batches that nothing was drawn from yet; may draw from them.
 *
 * @param like - a mark that it is to be compared with: of an earlier version, perhaps
 */
export async function dataMark(batches: TrainingBatches, like?: DataMark): Promise<DataMark> {
  const { documents, tokens } = batches.cursor();
  const old = like !== undefined && like.content === undefined;
  const content = old ? undefined : await batches.fingerprint?.();
  if (content !== undefined) return { documents, tokens, content };
  const { inputs } = await batches.next();
  let hash = 0x811c9dc5;
  for (const token of inputs) hash = Math.imul(hash ^ token, 0x01000193);
  return { documents, tokens, firstRow: hash >>> 0 };
}

/** What changes numbers by rounding alone, and so may be another when a run goes on. */
export interface Computed {
  readonly backend: string;
  readonly form: string;
  /** 0 where the model chooses. */
  readonly chunk: number;
  readonly accumulate: number;
  readonly gradientFormat: string;
}

export function computedBy({ model, accumulate = 1, gradientFormat = 'float32' }: TrainingOptions): Computed {
  const { form = 'auto', chunk = 0 } = model.compute;
  return { backend: model.backend.name, form, chunk, accumulate, gradientFormat };
}

/** What people should know about a run that goes on, line by line. */
export function resumeNotes(
  before: { readonly data: DataMark; readonly computed?: Computed | undefined },
  now: { readonly data: DataMark; readonly computed: Computed },
): string[] {
  const notes: string[] = [];
  const changes = (Object.keys(now.computed) as (keyof Computed)[]).flatMap((what) => {
    const value = now.computed[what];
    const was = before.computed?.[what] ?? value;
    return was === value ? [] : [`${what} ${value || 'auto'} instead of ${was || 'auto'}`];
  });
  if (changes.length > 0) {
    notes.push(
      `${changes.join(', ')}: from here on, weights may differ by rounding from those of a run that changes nothing`,
    );
  }
  if (now.data.content !== undefined && before.data.content === undefined) {
    notes.push('an earlier version began this run and noted the size of its data and one row, not their content');
  }
  return notes;
}
