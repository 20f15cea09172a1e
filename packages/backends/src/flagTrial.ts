// Whether an engine survives a flag of V8. Where it does not, the process is gone, which nothing can catch: another process tries
// first, and what came of it is remembered for this version of the engine.

import { folderStorage } from '@sympow/storage';
import { cacheFolder } from './cacheFolder';

/** Asked for when they are needed and never imported: a bundler for a browser follows every import. */
const node = () => ({
  ...process.getBuiltinModule('node:child_process'),
  ...process.getBuiltinModule('node:fs'),
  ...process.getBuiltinModule('node:os'),
  ...process.getBuiltinModule('node:path'),
});

/** What came of a trial. */
export interface Trial {
  readonly survived: boolean;
  readonly reason: string;
}

/** What {@link trialOf} may be told; what it finds by itself suits this process. */
export interface TrialOptions {
  /** A folder for what is remembered. */
  readonly folder?: string;
  /** The engine, and all else that may change what comes of it. */
  readonly engine?: string;
  /** The program that tries the flag and ends with code 0. */
  readonly program?: string;
}

/** How long a trial may take. */
const patience = 20_000;
/** How a crash ends a process, as against somebody who stops it. */
const crashes: readonly (string | null)[] = ['SIGTRAP', 'SIGABRT', 'SIGILL', 'SIGSEGV', 'SIGBUS', 'SIGFPE'];
/** A shell that ran it, and Windows, tell by a code. */
const isCrash = (code: number | null, signal: string | null) =>
  crashes.includes(signal) || (code !== null && (code > 255 || [132, 133, 134, 135, 136, 139].includes(code)));

/** What came of the trial with this engine: remembered, or tried now. */
export async function trialOf({
  folder = cacheFolder(),
  engine = `${process.release.name}-${process.version}-${process.versions.v8}-${process.arch}`,
  program = trialProgram(),
}: TrialOptions = {}): Promise<Trial> {
  const path = node().join(folder, `try-v8-flags-${engine.replaceAll(/[^\w.-]/g, '_')}.json`);
  const known = remembered(path);
  if (known) return known;
  const { trial, lasting } = await tryOnce(program);
  if (lasting) await remember(path, trial);
  return trial;
}

/** Beside the modules of this package, wherever a build has put this one. */
const trialProgram = () => process.getBuiltinModule('node:url').fileURLToPath(new URL('trial.js', import.meta.url));

function remembered(path: string): Trial | undefined {
  try {
    const { survived, reason } = JSON.parse(node().readFileSync(path, 'utf8')) as Partial<Trial>;
    return typeof survived === 'boolean' && typeof reason === 'string' ? { survived, reason } : undefined;
  } catch {
    return undefined;
  }
}

/** A folder that cannot be written costs a trial at every start, no more. */
async function remember(path: string, trial: Trial): Promise<void> {
  const { basename, dirname } = node();
  await folderStorage(dirname(path))
    .write(basename(path), JSON.stringify(trial))
    .catch(() => undefined);
}

/** Survival and a crash last; that a process could not be started, or took too long, says nothing about the engine. */
function tryOnce(program: string): Promise<{ trial: Trial; lasting: boolean }> {
  return new Promise((resolve) => {
    const end = (survived: boolean, reason: string, lasting: boolean) =>
      resolve({ trial: { survived, reason }, lasting });
    try {
      // A core, if one is dumped, goes where such things are cleared away.
      const options = { stdio: 'ignore', cwd: node().tmpdir(), timeout: patience, killSignal: 'SIGKILL' } as const;
      const child = node().spawn(process.execPath, [program], options);
      child.on('error', ({ message }) => end(false, `no trial in another process: ${message}`, false));
      child.on('close', (code, signal) => {
        const crashed = isCrash(code, signal);
        const how = signal ?? `code ${code}`;
        if (code === 0) end(true, 'a trial in another process went well', true);
        else
          end(
            false,
            `${crashed ? 'this engine crashes with it' : 'a trial in another process ended'}: ${how}`,
            crashed,
          );
      });
    } catch (error) {
      end(false, `no trial in another process: ${String(error)}`, false);
    }
  });
}
