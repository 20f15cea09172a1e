/** What page and worker say to each other. Of training, they are the events of `@sympow/training` as they come. */

import type { TrainingEvent } from '@sympow/training';

/** A text to learn from. */
export interface Text {
  readonly name: string;
  readonly text: string;
}

/** All that a run is begun with, as a form says it. */
export interface Plan {
  readonly text: Text;
  /** Options of `modelConfig`, without the vocabulary, which follows from the text. */
  readonly model: Readonly<Record<string, unknown>>;
  /** Options of `train`. */
  readonly training: Readonly<Record<string, unknown>> & {
    readonly context: number;
    readonly batch: number;
    readonly steps: number;
  };
  /** A name, or `auto`. */
  readonly backend: string;
  /** Updates from one sample of text to the next. */
  readonly sampleEvery: number;
}

/** How a text is to be written. */
export interface Wish {
  /** Absent: the text goes on where it is. */
  readonly prompt?: string | undefined;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** A run that this browser keeps. */
export interface KeptRun {
  readonly id: string;
  readonly name: string;
  readonly step: number;
  readonly steps: number;
}

/** What a chart shows of a run. */
export interface Curve {
  /** Losses of the updates from the first on. */
  readonly train: readonly number[];
  readonly heldOut: readonly (readonly [step: number, loss: number])[];
}

export type Request =
  | { readonly type: 'open'; readonly backend: string }
  | { readonly type: 'train'; readonly plan: Plan }
  | { readonly type: 'continue'; readonly id: string; readonly steps: number }
  | { readonly type: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'write'; readonly wish: Wish }
  | { readonly type: 'hush' | 'download' }
  | { readonly type: 'load'; readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[] }
  | { readonly type: 'restore' | 'remove'; readonly id: string };

/** Where on the page something that went wrong is told. */
export type Place = 'backend' | 'train' | 'talk' | 'checkpoint';

/** The backend is open. */
export interface ReadyEvent {
  readonly type: 'ready';
  readonly backend: string;
  readonly names: readonly string[];
  /** In words: threads, modules, and which backends could not run. */
  readonly notes: readonly string[];
  /** Of a matrix product. */
  readonly gigaflops: number;
}

/** There is a model to talk to. */
export interface ModelEvent {
  readonly type: 'model';
  readonly name: string;
  readonly parameters: number;
  /** What a token is: `character` or `byte`. */
  readonly token: string;
  /** How a text may begin. */
  readonly prompt: string;
  /** Tokens that it was trained on at once, where that is known. */
  readonly context: number | undefined;
}

/** Some more of a text, and what it takes. */
export interface WritingEvent {
  readonly type: 'writing';
  readonly text: string;
  /** Tokens read so far. */
  readonly position: number;
  readonly stateBytes: number;
  /** What keys and values of softmax attention would take. */
  readonly cacheBytes: number;
  readonly tokensPerSecond: number;
}

export type LabEvent =
  | TrainingEvent
  | ReadyEvent
  | ModelEvent
  | WritingEvent
  | { readonly type: 'run'; readonly id: string | undefined; readonly name: string; readonly steps: number }
  | { readonly type: 'curve'; readonly curve: Curve }
  | { readonly type: 'sample'; readonly step: number; readonly text: string }
  | { readonly type: 'paused' | 'resumed' | 'written' }
  | { readonly type: 'archive'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly type: 'runs'; readonly runs: readonly KeptRun[] }
  | { readonly type: 'failure'; readonly place: Place; readonly message: string };
