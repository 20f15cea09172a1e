// GPUs that passed the conformance suite without checks of indexes: `doctor` runs it, and what passed is remembered in the user's cache
// folder. The other commands read it there and hand it to the backend, which refuses every other GPU.

import { cacheFolder, dawnVersion } from '@sympow/backends';
import type { KernelCase } from '@sympow/conformance';
import type { Backend } from '@sympow/kernels';
import { folderStorage } from '@sympow/storage';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { ownVersion } from './ranks';

const file = 'gpus-without-bounds-checks.json';

/** What a fingerprint does not have in it, and what may change numbers too. */
export interface Circumstances {
  readonly dawn: string;
  readonly sympow: string;
  readonly system: string;
}

export interface Passed extends Circumstances {
  readonly fingerprint: string;
  /** Cases of the suite, all of which passed. */
  readonly cases: number;
  /** When: ISO 8601. */
  readonly at: string;
}

export function circumstances(): Circumstances {
  return { dawn: dawnVersion() ?? 'none', sympow: ownVersion(), system: `${process.platform} ${release()}` };
}

/** All that is remembered. A file that cannot be read, or is no list, counts as none. */
function remembered(folder: string): readonly Passed[] {
  try {
    const list = JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
    return Array.isArray(list) ? list.filter((each): each is Passed => typeof each === 'object' && each !== null) : [];
  } catch {
    return [];
  }
}

const alike = (a: Circumstances, b: Circumstances) =>
  a.dawn === b.dawn && a.sympow === b.sympow && a.system === b.system;

/** Fingerprints of what passed in the circumstances of now. */
export function verified(now = circumstances(), folder = cacheFolder()): string[] {
  return remembered(folder).flatMap((each) =>
    alike(each, now) && typeof each.fingerprint === 'string' ? [each.fingerprint] : [],
  );
}

/** What came of the suite. */
export interface Verdict {
  readonly fingerprint: string;
  readonly cases: number;
  /** One line for each case that did not pass. */
  readonly complaints: readonly string[];
}

/**
 * Runs cases of the suite on a backend that does not check indexes. It is remembered if all of them pass, and forgotten if one does not.
 *
 * @throws DeviceLostError where the device does not survive it
 */
export async function tryWithoutBoundsChecks(
  backend: Backend & { readonly fingerprint: string },
  options: {
    readonly cases: readonly KernelCase[];
    readonly onProgress?: (done: number, of: number) => void;
    readonly now?: Circumstances;
    readonly folder?: string;
  },
): Promise<Verdict> {
  const { cases, onProgress, now = circumstances(), folder = cacheFolder() } = options;
  const { fingerprint } = backend;
  const storage = folderStorage(folder);
  const write = (list: readonly Passed[]) => storage.write(file, JSON.stringify(list, undefined, 2));
  const others = remembered(folder).filter((each) => each.fingerprint !== fingerprint || !alike(each, now));
  // What ends the process in the middle must not leave an older word behind.
  if (others.length < remembered(folder).length) await write(others);
  const { checkCase } = await import('@sympow/conformance');
  const complaints: string[] = [];
  for (const [i, kase] of cases.entries()) {
    onProgress?.(i, cases.length);
    const { complaints: own } = await checkCase(backend, kase);
    if (own.length > 0) complaints.push(`${kase.kernel}, ${kase.name}: ${own.join('; ')}`);
  }
  if (complaints.length === 0 && cases.length > 0) {
    await write([...others, { ...now, fingerprint, cases: cases.length, at: new Date().toISOString() }]);
  }
  return { fingerprint, cases: cases.length, complaints };
}
