/** Lets one piece of work at a time at what several want: steps of a run, and a text that is written in between. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that was asked for before is done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}
