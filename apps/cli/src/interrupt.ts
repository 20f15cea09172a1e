// Ctrl-C: the first asks the work to stop where nothing is lost, the second ends the program at once. A command that another
// process has started also stops when that process is gone.

/** Runs `body` with a signal that aborts on SIGINT or SIGTERM. */
export async function interruptible<R>(
  note: (text: string) => void,
  body: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    note('stopping … (again to end at once)');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  try {
    return await body(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.off('disconnect', stop);
  }
}
