// The kinds of dataset that a path may hold.
import { requireKnownKeys, type KnownKeys } from '@sympow/core';
import type { Dataset, DatasetOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import { requirePath } from '../options';
import { binDataset } from './bin';
import { textFilesDataset } from './textFiles';
import { zarrDataset } from './zarr';

/** The first that accepts a path opens it; text accepts all and stands last. */
const datasets: readonly Dataset[] = [zarrDataset, binDataset, textFilesDataset];

const known: KnownKeys<DatasetOptions> = {
  ...{ tokenizer: true, encoding: true, extensions: true, http: true, cacheBytes: true, damaged: true },
};

/**
 * Opens what lies at some paths, whichever kind of dataset it is.
 *
 * @param paths - one or more of the same kind
 * @throws DataError if they are of different kinds, or cannot be read
 *
 * @example
 * ```ts
 * const source = await openDataset(['books', 'notes.txt'], { tokenizer: byteTokenizer() });
 * ```
 */
export async function openDataset(
  paths: string | readonly string[],
  options: DatasetOptions = {},
): Promise<TokenSource> {
  requireKnownKeys('openDataset', options, known);
  const given = typeof paths === 'string' ? [paths] : paths;
  const kinds = new Set(await Promise.all(given.map(kindOf)));
  const [kind] = kinds;
  if (kind === undefined || kinds.size > 1) {
    const names = [...kinds].map(({ name }) => name).join(' and ');
    const expected = 'at least one path, all of one kind of dataset';
    throw new DataError({ what: 'kinds of dataset', value: names, expected });
  }
  return kind.open(given, options);
}

async function kindOf(path: string): Promise<Dataset> {
  requirePath(path);
  for (const dataset of datasets) if (await dataset.accepts(path)) return dataset;
  throw new DataError({ what: 'path', value: path, expected: datasets.map(({ name }) => name).join(' or ') });
}
