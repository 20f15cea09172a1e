// What has certainly been written, so that a run that was stopped or killed goes on from there with the same bytes.
import { DataError } from '../errors';
import { codeOf, nodeFiles } from '../runtime';
import { writeWhole } from './files';

/** How far the texts have been read. */
export interface Place {
  /** How often all texts were gone through before. */
  readonly pass: number;
  readonly input: number;
  /** Documents of this text, in this pass, that are written. */
  readonly row: number;
}

/** What is certain. */
export interface Written {
  readonly place: Place;
  readonly documents: number;
  readonly tokens: number;
  readonly dropped: number;
  /** A hash of every text that was read, by its place; null or absent where a run of an earlier version read it. */
  readonly texts?: readonly (string | null)[] | undefined;
}

/** Where a run begins. */
export const nothing: Written = { place: { pass: 0, input: 0, row: 0 }, documents: 0, tokens: 0, dropped: 0 };

/** The journal of an output, kept in a folder beside its place until all is done. */
export interface Journal {
  /** What runs before this one have written. */
  readonly written: Written;
  save(written: Written): Promise<void>;
}

/** What makes the bytes of an output what they are. */
export interface JournalSettings {
  /** Name and size of each text. */
  readonly texts: readonly unknown[];
  readonly [setting: string]: unknown;
}

/**
 * Opens the journal in a folder, which is made where it is not there.
 *
 * @throws DataError if the folder was begun with other settings, or its journal is none
 */
export async function openJournal(folder: string, settings: JournalSettings): Promise<Journal> {
  const { fs, path } = nodeFiles();
  const file = path.join(folder, 'prepare.json');
  const now = JSON.stringify(settings);
  let written = nothing;
  try {
    const stored = JSON.parse(await fs.readFile(file, 'utf8')) as { settings?: unknown; written?: unknown } | null;
    if (JSON.stringify(stored?.settings) !== now) {
      throw new DataError({
        what: 'folder',
        value: folder,
        message: `${folder} was begun with other texts or options`,
        expected: 'those that it was begun with',
        remedy: 'Remove it to start anew, or choose another place.',
      });
    }
    written = requireWritten(stored?.written, settings.texts.length);
  } catch (error) {
    if (error instanceof SyntaxError) {
      const remedy = 'Remove the folder to start anew.';
      throw new DataError({ what: file, value: error.message, expected: 'the journal of a run', remedy, cause: error });
    }
    // Where there can be none, making its folder says why.
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
  return {
    written,
    save: (certain) => writeWhole(file, JSON.stringify({ settings, written: certain })),
  };
}

/** @throws SyntaxError unless it is what a journal holds of so many texts */
function requireWritten(value: unknown, count: number): Written {
  const { place, documents, tokens, dropped, texts = [] } = (value ?? {}) as Partial<Written>;
  const { pass, input, row } = (place ?? {}) as Partial<Place>;
  const hashes: unknown = texts;
  const sound =
    [documents, tokens, dropped, pass, input, row].every((size) => Number.isSafeInteger(size) && size! >= 0) &&
    input! <= count &&
    Array.isArray(hashes) &&
    hashes.length <= count &&
    hashes.every((hash) => hash === null || typeof hash === 'string');
  if (sound) return value as Written;
  throw new SyntaxError('it does not say what was written');
}
