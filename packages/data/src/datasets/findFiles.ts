// The files at some paths and in the folders below them. A path that is given has to be there; what cannot be read inside a
// folder is left out and told.
import { codeOf } from '@sympow/storage';
import { DataError } from '../errors';
import { requirePath } from '../options';
import { localFiles } from './localFiles';

/** A file, or something that can be read once. */
export interface FoundFile {
  /** Absolute, links resolved; of what can be read once, the path that was given. */
  readonly path: string;
  readonly name: string;
  /** Given by the caller, not found in a folder. */
  readonly named: boolean;
  /** Standard input, or a pipe of this process such as `<(…)` of a shell. */
  readonly once: boolean;
}

/** What was found, and what was left out and why. */
export interface Found {
  /** By name. */
  readonly files: readonly FoundFile[];
  readonly notes: readonly string[];
}

const standardInput = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

/** Whether a path is standard input. */
export function isStandardInput(path: string): boolean {
  return standardInput.includes(path);
}

/** The files of all paths. @throws DataError if one of the paths is not there, or is neither file nor folder */
export async function findFiles(given: readonly string[], extensions: readonly string[] | undefined): Promise<Found> {
  const wanted = extensions?.map((extension) => `.${extension.replace(/^\./, '').toLowerCase()}`);
  const notes: string[] = [];
  const found = await Promise.all(given.map((path, i) => find(path, i, wanted, notes)));
  const files = new Map<string, FoundFile>();
  for (const file of found.flat().sort(byName)) {
    // Of several names for one file, the first that was given itself stays, else the first.
    const known = files.get(file.path);
    if (!known || (file.named && !known.named)) files.set(file.path, file);
  }
  return { files: [...files.values()].sort(byName), notes: notes.sort() };
}

async function find(
  given: string,
  index: number,
  wanted: readonly string[] | undefined,
  notes: string[],
): Promise<FoundFile[]> {
  const { fs, path } = localFiles();
  requirePath(given);
  requireLocal(given);
  if (isStandardInput(given)) return [{ path: '-', name: 'stdin', named: true, once: true }];
  const root = path.resolve(given);
  const found: FoundFile[] = [];

  // `above` holds the folders on the way here: a link to one of them would never end.
  async function visit(at: string, name: string, above: readonly string[]): Promise<void> {
    const stats = await fs.stat(at);
    const named = above.length === 0;
    if (named && stats.isFIFO() && ofThisProcess.test(root)) {
      // Numbers of pipes vary from run to run, places in the list do not.
      found.push({ path: root, name: `pipe ${index + 1}`, named, once: true });
    } else if (stats.isDirectory()) {
      const real = await fs.realpath(at);
      if (above.includes(real)) return;
      for (const entry of await fs.readdir(real)) {
        if (entry.startsWith('.')) continue;
        const inside = `${name}/${entry}`;
        await visit(path.join(real, entry), inside, [...above, real]).catch(async (error: unknown) => {
          notes.push(`${inside} was left out: ${await reasonOf(path.join(real, entry), error)}`);
        });
      }
    } else if (stats.isFile()) {
      // File systems disagree on how they spell accents.
      const taken = named || (wanted?.includes(path.extname(name).toLowerCase()) ?? true);
      if (taken) found.push({ path: await fs.realpath(at), name: name.normalize('NFC'), named, once: false });
    } else {
      throw noFile(at, stats.isFIFO());
    }
  }

  await visit(root, path.basename(root), []).catch((cause: unknown) => {
    throw cause instanceof DataError ? cause : unreadable(given, cause);
  });
  return found;
}

const ofThisProcess = /^\/(?:dev|proc\/(?:self|\d+))\/fd\/\d+$/;

function noFile(path: string, pipe: boolean): DataError {
  return new DataError({
    what: 'path',
    value: path,
    message: `"${path}" is ${pipe ? 'a named pipe' : 'no file'}`,
    expected: 'a text file or a folder of such',
    remedy: pipe ? `Read it through standard input, which is the path "-": … - < ${path}` : undefined,
  });
}

/** Why an entry of a folder cannot be read. */
export async function reasonOf(path: string, error: unknown): Promise<string> {
  if (error instanceof DataError) return 'it is neither file nor folder';
  switch (codeOf(error)) {
    case 'ENOENT':
      if (
        await localFiles()
          .fs.lstat(path)
          .catch(() => undefined)
      )
        return 'its link leads nowhere';
      return path.includes('\uFFFD') ? 'its name is not UTF-8; give it another' : 'it is gone';
    case 'ELOOP':
      return 'its link leads in a circle';
    case 'EACCES':
    case 'EPERM':
      return 'permission is missing';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** A path that cannot be read. */
export function unreadable(path: string, cause: unknown): DataError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataError({
    what: 'path',
    value: path,
    message: `cannot read "${path}" (${reason})`,
    expected: 'a text file below 2 GiB or a folder of such',
    cause,
  });
}

function byName(a: FoundFile, b: FoundFile): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Text is read from disk alone: an address is not looked up as the name of a file. */
function requireLocal(path: string): void {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return;
  throw new DataError({
    what: 'path',
    value: path,
    message: `${path} is an address of text`,
    expected: 'text on this machine, or the address of a .bin or a .zarr',
    remedy: 'Download it first.',
  });
}
