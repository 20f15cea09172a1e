/**
 * The window of a power layer that reads a stream: its last W tokens as keys, values and gates beside the state; specification §6.
 *
 * The window is folded into the state W tokens at a time: exact from the first token on, and the state is written once per W
 * tokens. Rows of the window that hold no token are zero, so that folding them adds nothing.
 */

import { backendOf, type Tensor } from '@sympow/kernels';
import { copyRow, type Places } from './rows';

/** W: tokens in the window. */
export const windowLength = 64;

/** [B, W, …] each; rows behind those that hold tokens are zero. */
export interface Window {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly logGate: Tensor | undefined;
}

/** A state with its window. */
export interface Windowed {
  readonly power: number;
  readonly S: Tensor;
  readonly Z: Tensor;
  readonly window: Window;
  /** How many tokens the window of each row holds. */
  readonly places: Places;
}

/** The window of one row, whole. */
export function copyWindow(x: Window, from: number, y: Window, to: number): void {
  copyRow(x.k, from, y.k, to);
  copyRow(x.v, from, y.v, to);
  if (x.logGate && y.logGate) copyRow(x.logGate, from, y.logGate, to);
}

/** Adds a window's tokens to S and Z, which are decayed over the window in place. */
export function foldInto(power: number, window: Window, S: Tensor, Z: Tensor): void {
  const backend = backendOf(S);
  const [B, G, D, e] = S.shape as [number, number, number, number];
  backend.scope(() => {
    const options = { power, chunk: windowLength };
    const gates = window.logGate && {
      A: backend.empty([2, ...window.logGate.shape]),
      start: backend.empty(window.logGate.shape, 'int32'),
    };
    if (gates) backend.kernels.gateSum({ logGate: window.logGate, chunk: windowLength, ...gates });
    const [deltaS, beforeS] = [backend.empty([B, 1, G, D, e]), backend.empty([B, 1, G, D, e])];
    const [deltaZ, beforeZ] = [backend.empty([B, 1, G, D]), backend.empty([B, 1, G, D])];
    backend.kernels.updateState({ k: window.k, v: window.v, gates, deltaS, deltaZ, ...options });
    const sums = { S: beforeS, Z: beforeZ, S0: S, Z0: Z, SLast: S, ZLast: Z };
    backend.kernels.discountedSum({ deltaS, deltaZ, gates, length: windowLength, ...options, ...sums });
  });
}

/** Folds the windows of all rows. */
export function fold({ power, window, places, S, Z }: Windowed): void {
  foldInto(power, window, S, Z);
  empty(window);
  for (const row of places.counts.keys()) places.set(row, 0);
}

/** Folds the window of one row; the others keep theirs. */
export function foldRow({ power, window, places, S, Z }: Windowed, row: number): void {
  const { backend } = S;
  const one = (tensor: Tensor) => backend.empty([1, ...tensor.shape.slice(1)], tensor.dtype);
  backend.scope(() => {
    const own = { k: one(window.k), v: one(window.v), logGate: window.logGate && one(window.logGate) };
    const [ownS, ownZ] = [one(S), one(Z)];
    copyWindow(window, row, own, 0);
    copyRow(S, row, ownS, 0);
    copyRow(Z, row, ownZ, 0);
    foldInto(power, own, ownS, ownZ);
    copyRow(ownS, 0, S, row);
    copyRow(ownZ, 0, Z, row);
    empty(own);
    copyWindow(own, 0, window, row);
  });
  places.set(row, 0);
}

function empty({ k, v, logGate }: Window): void {
  for (const y of [k, v, logGate]) if (y) backendOf(y).kernels.fill({ value: 0, y });
}
