// Where things are printed. Results go to standard output; progress, and everything else with --json, to standard error.

import type { WriteStream } from 'node:tty';
import { visible } from './visible';

/** How a command talks. Whatever stands in a text, a terminal is not steered by it. */

export { bytes, quantity, ratio } from '@sympow/experiments';

export interface Output {
  /** A line of the result. */
  print(text: string): void;
  /** A picture, which may have colours; what others named must not stand in it. */
  draw(text: string): void;
  /** A piece of a text that comes bit by bit: as it is, but in a terminal. */
  write(piece: string): void;
  /** A line that stays, beside the result. */
  note(text: string): void;
  /** The progress line: overwritten in a terminal; elsewhere a plain line now and then. */
  progress(text: string): void;
  /** Ends the progress line, so that what follows begins on its own. */
  endProgress(): void;
  /** The object of --json, as the last line of standard output. */
  json(result: unknown): void;
}

/** Whether a terminal shows colours and wants them: NO_COLOR and TERM=dumb say no. */
export function inColour(stream: Partial<WriteStream> = process.stdout, env = process.env): boolean {
  return stream.isTTY === true && (stream.hasColors?.(16, env) ?? false);
}

/** Whether a line can be written over: TERM=dumb says no. */
export function canRewrite(stream: Partial<WriteStream> = process.stderr, env = process.env): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Least time between two plain progress lines. */
const plainInterval = 10_000;

export function createOutput(json: boolean): Output {
  const live = canRewrite();
  let open = false;
  let last = 0;
  const endProgress = () => {
    if (open) process.stderr.write('\n');
    open = false;
  };
  const results = json ? process.stderr : process.stdout;
  const draw = (text: string) => {
    endProgress();
    results.write(`${text}\n`);
  };
  return {
    print: (text) => draw(visible(text)),
    draw,
    write(piece) {
      endProgress();
      results.write(results.isTTY ? visible(piece) : piece);
    },
    note(text) {
      endProgress();
      process.stderr.write(`${visible(text)}\n`);
    },
    progress(line) {
      const text = visible(line);
      if (live) {
        const width = (process.stderr.columns || 80) - 1;
        process.stderr.write(`\r${text.slice(0, width).padEnd(width)}`);
        open = true;
      } else if (Date.now() - last >= plainInterval) {
        last = Date.now();
        process.stderr.write(`${text}\n`);
      }
    },
    endProgress,
    json(result) {
      endProgress();
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
  };
}

/** 3725 → 1h02m, 65 → 1m05s, 5 → 5s. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m${two(whole % 60)}s` : `${whole}s`;
}
