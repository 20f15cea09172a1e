// What has certainly been written, so that a run that was stopped or killed goes on from there with the same bytes.
import { readWhole, type Storage } from '@sympow/storage';
import { DataError } from '../errors';

const JOURNAL = 'prepare.json';
/** A journal holds a line for every text. */
const MAX_BYTES = 2 ** 30;

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
 * Opens the journal in a folder.
 *
 * @throws DataError if the folder was begun with other settings, or its journal is none
 */
export async function openJournal(folder: Storage, settings: JournalSettings): Promise<Journal> {
  const bytes = await readWhole(folder, JOURNAL, MAX_BYTES);
  return {
    written: bytes === undefined ? nothing : readJournal(folder, bytes, settings),
    save: (certain) => folder.write(JOURNAL, JSON.stringify({ settings, written: certain })),
  };
}

function readJournal({ path }: Storage, bytes: Uint8Array, settings: JournalSettings): Written {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as { settings?: unknown; written?: unknown } | null;
    if (JSON.stringify(found?.settings) === JSON.stringify(settings)) {
      return requireWritten(found?.written, settings.texts.length);
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const remedy = 'Remove the folder to start anew.';
    const expected = 'the journal of a run';
    throw new DataError({ what: `${path}/${JOURNAL}`, value: cause.message, expected, remedy, cause });
  }
  throw new DataError({
    what: 'folder',
    value: path,
    message: `${path} was begun with other texts or options`,
    expected: 'those that it was begun with',
    remedy: 'Remove it to start anew, or choose another place.',
  });
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
