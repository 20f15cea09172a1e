/** The backends that can be measured: those of the list, and what there is to know of some of them. */

import { backends as list, entryOf, revectorize } from '@sympow/backends';
import type { BackendFactory } from '@sympow/kernels';
import type { Clock } from './measure';

export interface MeasuredBackend {
  /** `threads` is given only where `threaded`. */
  readonly factory: (threads?: number) => BackendFactory;
  readonly clock: Clock;
  /** Whether the number of threads can be chosen; rows for one and for two are then added where they say something. */
  readonly threaded?: boolean;
  /** Flags of V8 that are set before it is opened, as the command line sets them. They hold for peers in the process too. */
  readonly v8Flags?: string;
}

type Measuring = Partial<Omit<MeasuredBackend, 'factory'>> & { readonly of?: string; readonly own?: object };

/** What is measured otherwise than by the wall clock, or comes in several kinds. */
const measuring: Readonly<Record<string, Measuring>> = {
  js: { clock: 'cpu' },
  gpujs: { clock: 'cpu' },
  wasm: { threaded: true },
  'wasm-wide': { of: 'wasm', own: { wide: true }, threaded: true, v8Flags: revectorize },
};

const names = [...new Set([...list.map(({ name }) => name), ...Object.keys(measuring)])];

export const backends: Readonly<Record<string, MeasuredBackend>> = Object.fromEntries(
  names.map((name) => {
    const { of = name, own, ...how } = measuring[name] ?? {};
    const factory = (threads?: number) => entryOf(of).make({ threads, own, engineFlags: 'off' }, false);
    return [name, { clock: 'wall', ...how, factory }];
  }),
);
