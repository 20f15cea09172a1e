// What the page knows, and how events of the worker change it.

import type { EndEvent, StartEvent, StepEvent } from '@sympow/training';
import type {
  Curve,
  KeptRun,
  LabEvent,
  LookEvent,
  Measured,
  MeasureEvent,
  ModelEvent,
  Place,
  ReadyEvent,
  TwinEvent,
  Wish,
  WritingEvent,
} from './messages';
import { stretched, type Stretch } from './stretchState';

/** A place in a text to come back to. */
export interface Mark {
  readonly mark: number;
  readonly position: number;
  readonly written: string;
  readonly before: Before | undefined;
}

/** What a session that was opened has read, of which its text is not known. */
export interface Before {
  readonly name: string;
  readonly position: number;
}

export interface PageState {
  readonly ready: ReadyEvent | undefined;
  readonly phase: 'opening' | 'idle' | 'training' | 'paused' | 'stopping';
  /** The run that is shown. */
  readonly run: { readonly id: string | undefined; readonly name: string; readonly steps: number } | undefined;
  readonly curve: Curve;
  readonly start: StartEvent | undefined;
  readonly last: StepEvent | undefined;
  readonly end: EndEvent | undefined;
  /** The step that is kept by the browser. */
  readonly saved: number | undefined;
  readonly sample: { readonly step: number; readonly text: string } | undefined;
  readonly model: ModelEvent | undefined;
  readonly written: string;
  readonly before: Before | undefined;
  readonly writing: WritingEvent | undefined;
  readonly isWriting: boolean;
  /** Whether work goes on that can be given up. */
  readonly isWorking: boolean;
  readonly twin: TwinEvent | undefined;
  readonly stretch: Stretch | undefined;
  readonly look: LookEvent | undefined;
  readonly measured: readonly Measured[];
  readonly measuring: Extract<MeasureEvent, { type: 'measuring' }> | undefined;
  readonly runs: readonly KeptRun[];
  /** Curves of other runs that are shown too. */
  readonly compared: Readonly<Record<string, Curve>>;
  readonly marks: readonly Mark[];
  readonly failures: Readonly<Partial<Record<Place, string>>>;
}

/** What the page itself does to it. */
export type PageEvent =
  | {
      readonly type:
        'asked to train' | 'asked to stop' | 'asked to look' | 'asked to measure' | 'asked to fetch' | 'opening';
    }
  | { readonly type: 'asked to write'; readonly wish: Wish }
  | { readonly type: 'hide'; readonly id: string }
  | { readonly type: 'asked to return'; readonly mark: Mark }
  | { readonly type: 'asked to stretch'; readonly length: number }
  | { readonly type: 'went wrong'; readonly place: Place; readonly message: string | undefined };

const nothing: Curve = { train: [], heldOut: [] };

export const initial: PageState = {
  ...{ ready: undefined, phase: 'opening', run: undefined, curve: nothing, start: undefined, last: undefined },
  ...{ end: undefined, saved: undefined, sample: undefined, model: undefined, written: '', before: undefined },
  ...{
    writing: undefined,
    isWriting: false,
    isWorking: false,
    twin: undefined,
    stretch: undefined,
    look: undefined,
    measured: [],
    measuring: undefined,
    runs: [],
    compared: {},
    marks: [],
    failures: {},
  },
};

const without = (state: PageState, ...places: Place[]) =>
  Object.fromEntries(Object.entries(state.failures).filter(([place]) => !places.includes(place as Place)));

/** All events of a frame at once. */
export const afterAll = (state: PageState, events: readonly (LabEvent | PageEvent)[]): PageState =>
  events.reduce(after, state);

export function after(state: PageState, event: LabEvent | PageEvent): PageState {
  switch (event.type) {
    case 'opening':
      return { ...state, phase: 'opening', failures: without(state, 'backend') };
    case 'ready':
      return { ...state, ready: event, phase: state.phase === 'opening' ? 'idle' : state.phase };
    case 'asked to train':
      return {
        ...state,
        phase: 'training',
        end: undefined,
        last: undefined,
        failures: without(state, 'train', 'room'),
      };
    case 'asked to stop':
      return { ...state, phase: 'stopping' };
    case 'run':
      return {
        ...state,
        run: event,
        curve: nothing,
        sample: undefined,
        saved: undefined,
        start: undefined,
        end: undefined,
      };
    case 'curve':
      return { ...state, curve: event.curve, saved: event.curve.train.length || undefined };
    case 'start':
      return { ...state, start: event };
    case 'step':
      return { ...state, last: event, curve: { ...state.curve, train: [...state.curve.train, event.loss] } };
    case 'evaluation':
      return { ...state, curve: { ...state.curve, heldOut: [...state.curve.heldOut, [event.step, event.loss]] } };
    case 'checkpoint':
      return { ...state, saved: event.step };
    case 'sample':
      return { ...state, sample: event };
    case 'end':
      return { ...state, end: event, phase: 'idle' };
    case 'paused':
      return { ...state, phase: 'paused' };
    case 'resumed':
      return { ...state, phase: state.phase === 'paused' ? 'training' : state.phase };
    case 'model':
      return {
        ...state,
        model: event,
        ...{ written: '', before: undefined, writing: undefined },
        stretch: undefined,
        look: undefined,
        marks: [],
        failures: without(state, 'talk', 'session', 'checkpoint', 'address', 'stretch', 'look'),
      };
    case 'asked to write':
      return {
        ...state,
        ...{ isWriting: true, failures: without(state, 'talk') },
        ...(event.wish.anew && { before: undefined, writing: undefined }),
        written: (event.wish.anew ? '' : state.written) + event.wish.prompt,
      };
    case 'asked to stretch':
      return {
        ...state,
        ...{ isWorking: true, twin: undefined, failures: without(state, 'stretch') },
        stretch: { length: event.length, seen: false },
      };
    case 'asked to look':
      return { ...state, isWorking: true, failures: without(state, 'look') };
    case 'asked to measure':
      return { ...state, isWorking: true, measured: [], failures: without(state, 'measure') };
    case 'asked to fetch':
      return { ...state, isWorking: true, failures: without(state, 'address') };
    case 'measuring':
      return { ...state, measuring: event };
    case 'measured':
      return { ...state, measured: [...state.measured, event.row] };
    case 'look':
      return { ...state, look: event };
    case 'twin':
      return { ...state, twin: event };
    case 'stretch':
      return { ...state, twin: undefined, stretch: stretched(state.stretch, event) };
    case 'quit':
      return { ...state, isWorking: false, twin: undefined, measuring: undefined };
    case 'writing':
      return { ...state, written: state.written + event.text, writing: event };
    case 'written':
      return { ...state, isWriting: false };
    case 'compared':
      return { ...state, compared: { ...state.compared, [event.id]: event.curve } };
    case 'hide':
      return {
        ...state,
        compared: Object.fromEntries(Object.entries(state.compared).filter(([id]) => id !== event.id)),
      };
    case 'marked':
      return {
        ...state,
        marks: [
          ...state.marks,
          { mark: event.mark, position: event.position, written: state.written, before: state.before },
        ],
      };
    case 'asked to return':
      return {
        ...state,
        ...{ written: event.mark.written, before: event.mark.before, failures: without(state, 'session') },
      };
    case 'reopened':
      return {
        ...state,
        ...{ written: '', before: { name: event.name, position: event.position }, failures: without(state, 'session') },
      };
    case 'gone':
      return { ...state, model: undefined, written: '', before: undefined, writing: undefined, marks: [] };
    case 'runs':
      return { ...state, runs: event.runs };
    case 'failure':
      return failed(state, event.place, event.message);
    case 'went wrong':
      return event.message === undefined
        ? { ...state, failures: without(state, event.place) }
        : { ...state, failures: { ...state.failures, [event.place]: event.message } };
    case 'archive':
      return state;
  }
}

function failed(state: PageState, place: Place, message: string): PageState {
  const failures = { ...state.failures, [place]: message };
  const phase = place === 'train' || (place === 'backend' && state.phase === 'opening') ? 'idle' : state.phase;
  return { ...state, failures, phase, isWriting: place === 'talk' ? false : state.isWriting };
}
