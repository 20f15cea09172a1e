// Asking a server again. What may go well another time is tried after a pause that doubles, or as long as the server asks for;
// an attempt that brings too little for too long counts as cut off.
import { isStorageError, StorageError } from './errors';

/** How often, how long and how patiently a server is asked. */
export interface Patience {
  /** How often a request is tried again before it fails; 5 unless said otherwise. */
  readonly retries: number;
  /** Milliseconds before it is tried again for the first time; 250 unless said otherwise. The pause doubles up to 32 times it. */
  readonly pause: number;
  /** Most milliseconds of a longer pause that the server asks for (Retry-After); 60,000 unless said otherwise. */
  readonly longestPause: number;
  /** Milliseconds that a connection may bring less than `pace` before it counts as cut; 30,000 unless said otherwise. */
  readonly stall: number;
  /** Bytes per second; 1,024 unless said otherwise. Silence counts as cut in any case. */
  readonly pace: number;
  /** Stops all requests. */
  readonly signal?: AbortSignal | undefined;
  /** Told when a request is tried again, and why. */
  readonly onRetry?: ((message: string) => void) | undefined;
}

/** Something that may go well another time. */
export class Cut extends Error {
  override readonly name = 'Cut';

  /** @param after - milliseconds before which it will not */
  constructor(
    message: string,
    readonly after = 0,
  ) {
    super(message);
  }
}

/** What an attempt tells of itself. */
export interface Attempt {
  /** Aborted when nothing more is wanted of it. */
  readonly signal: AbortSignal;
  /** The server has begun to answer. */
  begun(): void;
  /** So many bytes have come. */
  came(bytes: number): void;
}

/**
 * Tries until it goes well, fails for good, or has been tried often enough.
 *
 * @throws StorageError, or the reason of the signal
 */
export async function persist<R>(url: string, patience: Patience, attempt: (it: Attempt) => Promise<R>): Promise<R> {
  const { retries, pause, longestPause, signal, onRetry } = patience;
  for (let tried = 0; ; tried++) {
    let after: number;
    try {
      return await once(patience, attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (isStorageError(error)) throw error;
      const reason = reasonOf(error);
      const final = isFinal(error);
      if (final || tried >= retries) {
        throw new StorageError(final ? 'refused' : 'unreachable', {
          what: 'address',
          value: url,
          message: `cannot read ${url} (${reason}${final ? '' : `; tried ${tried + 1} times`})`,
          expected: final ? 'an address that may be asked' : 'a server that answers',
          remedy: final ? 'Use another address.' : 'Try again later; nothing that was read is lost.',
          cause: error,
        });
      }
      onRetry?.(`${url}: ${reason}; trying again (${tried + 1} of ${retries})`);
      after = error instanceof Cut ? error.after : 0;
    }
    await wait(Math.max(pause * 2 ** Math.min(tried, 5), Math.min(after, longestPause)), signal);
  }
}

async function once<R>({ signal, stall, pace }: Patience, attempt: (it: Attempt) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', stop);
  let bytes = 0;
  const least = Math.max(1, (pace * stall) / 1000);
  const check = () => {
    const brought = bytes === 0 ? 'nothing' : `no more than ${bytes} bytes`;
    if (bytes < least) controller.abort(new Cut(`${brought} came for ${stall / 1000} s`));
    bytes = 0;
  };
  let timer = setInterval(check, stall);
  try {
    return await attempt({
      signal: controller.signal,
      begun() {
        clearInterval(timer);
        timer = setInterval(check, stall);
      },
      came: (more) => void (bytes += more),
    });
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether `fetch` refuses to ask at all, as with a port that is blocked: errors of the network have codes. */
function isFinal(error: unknown): boolean {
  const cause = error instanceof TypeError ? error.cause : undefined;
  return cause instanceof Error && !(cause instanceof Cut) && !('code' in cause);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}

/** Milliseconds from now of a Retry-After: seconds, or a date. */
export function pauseOf(header: string | null): number {
  if (header === null) return 0;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return seconds > 0 ? seconds * 1000 : 0;
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
