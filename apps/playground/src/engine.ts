// The worker, as the page sees it: requests go in, events come out, at most once a frame, so that a fast run does not hold the page up.

import type { LabEvent, Request } from './messages';

export interface Engine {
  ask(request: Request): void;
}

/** @param take - takes the events of a frame */
export function startEngine(take: (events: readonly LabEvent[]) => void): Engine {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  let waiting: LabEvent[] = [];
  const hand = () => {
    const events = waiting;
    waiting = [];
    take(events);
  };
  worker.onmessage = ({ data }: MessageEvent<LabEvent>) => {
    // A page in the background draws no frames.
    if (waiting.push(data) === 1)
      if (document.hidden) setTimeout(hand, 200);
      else requestAnimationFrame(hand);
  };
  worker.onerror = ({ message }) => {
    take([
      {
        type: 'failure',
        place: 'train',
        message: `The worker stopped: ${message || 'its script did not load'}. Reload the page; what was saved is there.`,
      },
    ]);
  };
  return { ask: (request) => worker.postMessage(request) };
}
