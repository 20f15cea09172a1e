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
  /** What the run is called among others. */
  readonly label: string;
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
  /** Whether the text begins with the prompt; else it goes on where it is, after the prompt. */
  readonly anew: boolean;
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** A file that somebody opens. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A run that this browser keeps. */
export interface KeptRun {
  readonly id: string;
  /** Of its text. */
  readonly name: string;
  readonly label: string;
  readonly step: number;
  readonly steps: number;
}

/** What a chart shows of a run. */
export interface Curve {
  /** Losses of the updates from the first on. */
  readonly train: readonly number[];
  readonly heldOut: readonly (readonly [step: number, loss: number])[];
}

/** Who reads a long text: the model of the page, or one with softmax beside it. */
export type Reader = 'own' | 'softmax';

export type Request =
  | { readonly type: 'open'; readonly backend: string }
  | { readonly type: 'train'; readonly plan: Plan }
  | { readonly type: 'continue'; readonly id: string; readonly steps: number }
  | { readonly type: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'write'; readonly wish: Wish }
  | { readonly type: 'hush' | 'download' | 'quit' }
  | { readonly type: 'look'; readonly text: string }
  | { readonly type: 'measure'; readonly names: readonly string[] }
  | { readonly type: 'stretch'; readonly text: Text; readonly length: number; readonly beside: boolean }
  | { readonly type: 'load'; readonly files: readonly GivenFile[] }
  | { readonly type: 'fetch'; readonly address: string }
  | { readonly type: 'restore' | 'remove' | 'compare'; readonly id: string }
  | { readonly type: 'rename'; readonly id: string; readonly label: string }
  | { readonly type: 'mark' | 'session' }
  | { readonly type: 'reopen'; readonly file: GivenFile }
  | { readonly type: 'return'; readonly mark: number };

/** Where on the page something that went wrong is told. */
export type Place =
  'backend' | 'train' | 'room' | 'stretch' | 'talk' | 'look' | 'measure' | 'checkpoint' | 'address' | 'session';

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
  /** A few lines of what it learnt from, to look into. */
  readonly passage: string;
  /** Tokens that it was trained on at once, where that is known. */
  readonly context: number | undefined;
  /** Whether its layers are power attention without a cache that grows. */
  readonly constant: boolean;
  /** Whether it was trained here, so that another can be trained as it was. */
  readonly planned: boolean;
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

/** A model with softmax is trained, to be read beside. */
export interface TwinEvent {
  readonly type: 'twin';
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly secondsLeft: number;
}

/** A piece of a long text was read. */
export interface StretchEvent {
  readonly type: 'stretch';
  readonly of: Reader;
  /** Tokens read so far, of how many. */
  readonly position: number;
  readonly length: number;
  /** Mean loss of this piece. */
  readonly nats: number;
  /** What the model holds now of one stream. */
  readonly memoryBytes: number;
  readonly tokensPerSecond: number;
  /** Whether it learnt from this text. */
  readonly seen: boolean;
}

/** What went on in a layer; numbers as [token, head]. */
export interface LayerInside {
  readonly kind: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  /** γ [T, G], where a layer has one for each head. */
  readonly gates: Float32Array | undefined;
  /** Σβ [T, G], where a layer has phases. */
  readonly phases: Float32Array | undefined;
  /** [H, T, T]: of token j in the answer at token n. */
  readonly shares: Float32Array | undefined;
}

/** Inside the model while it reads a text. */
export interface LookEvent {
  readonly type: 'look';
  readonly tokens: readonly string[];
  readonly layers: readonly LayerInside[];
}

/** What a backend does on this device, or why it is not there. */
export type Measured =
  | { readonly backend: string; readonly missing: string }
  | {
      readonly backend: string;
      readonly notes: readonly string[];
      readonly threads: number;
      /** Of the conformance suite's short form. */
      readonly cases: number;
      readonly passed: number;
      readonly complaints: readonly string[];
      readonly gigaflops: number;
      readonly trainingTokensPerSecond: number;
      readonly decodingTokensPerSecond: number;
      /** Share of forced tokens after which its likeliest one is that of the definition. */
      readonly agreement: number;
      readonly missing?: never;
    };

export type MeasureEvent =
  | { readonly type: 'measuring'; readonly backend: string; readonly says: string }
  | { readonly type: 'measured'; readonly row: Measured };

export type LabEvent =
  | MeasureEvent
  | LookEvent
  | TwinEvent
  | StretchEvent
  | { readonly type: 'quit' }
  /** The model went with its device, and is kept nowhere. */
  | { readonly type: 'gone' }
  /** A session was opened: what it has read stands in its file no more, so that the text begins with what comes. */
  | { readonly type: 'reopened'; readonly name: string; readonly position: number }
  | { readonly type: 'compared'; readonly id: string; readonly curve: Curve }
  /** A place in the text to come back to; every place before is gone with number 0. */
  | { readonly type: 'marked'; readonly mark: number; readonly position: number }
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
