import type { AttentionKind } from './api';
import { deltas } from './delta';
import { mixed } from './mixed';
import { power } from './power';
import { softmax } from './softmax';
import { wall } from './wall';
import { window } from './window';

/** The kinds of attention that come with the package. */
export const kinds: readonly AttentionKind[] = [power, softmax, window, wall, mixed, ...deltas];

export type { AttentionKind, KindCompute, KindSettings } from './api';
