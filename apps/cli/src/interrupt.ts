// Ctrl-C: the first asks the work to stop where nothing is lost, the second ends the program at once. So do the signals of who
// ends a session. A command that another process has started also stops when that process is gone.

import { constants } from 'node:os';

let stoppedBy: NodeJS.Signals = 'SIGINT';

/** The exit code of a program that a signal ended. */
export function exitCodeOfSignal(): number {
  return 128 + constants.signals[stoppedBy];
}

/** Runs `body` with a signal that aborts on SIGINT, SIGTERM, SIGHUP or SIGUSR2. */
export async function interruptible<R>(
  note: (text: string) => void,
  body: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    const again = controller.signal.aborted;
    stoppedBy = name;
    if (again && name !== 'SIGHUP') process.exit(exitCodeOfSignal());
    if (again) return;
    // A terminal that closes says so twice, and what is written behind the work is to be written.
    process.on('SIGHUP', () => undefined);
    note('stopping … (again to end at once)');
    controller.abort();
  };
  const gone = () => stop('SIGHUP');
  // SIGUSR2 is what mpirun hands on without killing a moment later.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;
  for (const name of signals) process.on(name, stop);
  process.on('disconnect', gone);
  try {
    return await body(controller.signal);
  } finally {
    for (const name of signals) process.off(name, stop);
    process.off('disconnect', gone);
  }
}
