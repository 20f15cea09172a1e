// Commands of this program as child processes: two models train side by side, each on a core of its own.

import { SympowError } from '@sympow/kernels';
import { fork } from 'node:child_process';

/** A command failed in a child process; its own words are the message. */
export class ChildError extends SympowError {
  override readonly name = 'ChildError';
  readonly code = 'CHILD';
}

/**
 * Runs `sympow …args --json` and returns the object that it ends with.
 *
 * @param signal - asks the command to stop as Ctrl-C does
 * @param onEvent - told what the command tells a parent process
 * @throws ChildError with the last line that it wrote when it fails
 */
export function runCommand<Result, Event>(
  args: readonly string[],
  signal: AbortSignal,
  onEvent: (event: Event) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    // Detached: Ctrl-C in the terminal reaches this process alone, which passes it on once.
    const child = fork(process.argv[1]!, [...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    const stop = () => child.kill('SIGINT');
    signal.addEventListener('abort', stop);
    let result = '';
    let words = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (result += text));
    // Only the end is kept: it says why the command failed.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-4096)));
    child.on('message', (event) => onEvent(event as Event));
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      if (code === 0) {
        resolve(JSON.parse(result.trim().split('\n').at(-1)) as Result);
        return;
      }
      const last = words.trim().split('\n').at(-1) ?? '';
      const message = `${args[0]} failed with ${killedBy ?? `code ${code}`}: ${last.replace(/^sympow: /, '')}`;
      reject(new ChildError({ what: 'a command', value: code ?? killedBy, message, expected: 'it to end well' }));
    });
  });
}

/** Tells a parent process that wants to know, as {@link runCommand} does; one that is gone hears nothing. */
export function tellParent(event: unknown): void {
  process.send?.(event, undefined, undefined, () => undefined);
}
