/** Which form is cheaper, and how long a chunk should be. */

import { ConfigError } from '@sympow/kernels';
import type { Form } from './api';

/** What decides the cost of a sequence: sizes in the letters of the package. */
export interface FormSizes {
  readonly T: number;
  readonly C: number;
  readonly d: number;
  readonly e: number;
  readonly D: number;
  /** Whether a state comes in, and whether one has to go out. */
  readonly initialState: boolean;
  readonly finalState: boolean;
}

/** Chunk length for an embedded size: long enough that states are few, short enough that T·C stays below T·D. */
export function defaultChunk(D: number): number {
  return Math.min(1024, Math.max(64, 2 ** Math.round(Math.log2(D / 4))));
}

/** Multiplications and additions per query head: scores against states (specification §7). */
export function flopsOf(form: 'attention' | 'chunked', { T, C, d, e, D, initialState, finalState }: FormSizes): number {
  const throughState = 2 * T * D * (e + 1);
  if (form === 'attention') return T * T * (d + e) + (Number(initialState) + Number(finalState)) * throughState;
  return T * C * (d + e) + 2 * throughState;
}

/** @throws ConfigError for a chunk that is not a whole number of at least 1 */
export function checkChunk(chunk: number): void {
  if (Number.isSafeInteger(chunk) && chunk >= 1) return;
  throw new ConfigError({ what: 'chunk', value: chunk, expected: 'a whole number of at least 1' });
}

/** @throws ConfigError for a name that is none */
export function checkForm(form: Form): void {
  if (!['auto', 'attention', 'chunked', 'recurrent'].includes(form)) {
    throw new ConfigError({ what: 'form', value: form, expected: 'auto, attention, chunked or recurrent' });
  }
}

/**
 * The form to use.
 *
 * @throws ConfigError for a name that is none
 */
export function chooseForm(form: Form, sizes: FormSizes): Exclude<Form, 'auto'> {
  checkForm(form);
  if (form !== 'auto') return form;
  return flopsOf('attention', sizes) <= flopsOf('chunked', sizes) ? 'attention' : 'chunked';
}
