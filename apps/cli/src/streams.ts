// Standard output and standard error as they may be lost: nobody reads on, the terminal was closed, the disk of a log is full.
// What cannot be written is dropped and costs no work. The exit code says when a result was lost, as it does of other programs.

import { constants } from 'node:os';
import { explainLoss } from './failure';

let loss: NodeJS.ErrnoException | undefined;
const controller = new AbortController();

/** Aborts when standard output takes no more. */
export const unread: AbortSignal = controller.signal;

/** To be called before anything is written: from then on, what cannot be written throws nothing. */
export function dropWhatIsLost(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    loss ??= error;
    controller.abort();
  });
}

/** Changes the exit code of a command that went well where its result was lost, and says so unless nobody wanted it. */
export async function reportLoss(): Promise<void> {
  // An error comes after what could not be written.
  if (process.stdout.writableLength > 0) await new Promise((resolve) => process.stdout.write('', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  if (!loss || process.exitCode) return;
  if (loss.code === 'EPIPE') {
    process.exitCode = 128 + constants.signals.SIGPIPE;
    return;
  }
  process.stderr.write(`${explainLoss(loss)}\n`);
  process.exitCode = 1;
}
