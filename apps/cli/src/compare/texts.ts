// The text that an experiment is trained on, from files.

import { ConfigError } from '@sympow/kernels';
import { openDataset } from '@sympow/data';
import { atPlace, type TextData, type Texts } from '@sympow/experiments';
import { tokenizerOf } from '../dataOptions';

/**
 * @param paths - instead of those of the file
 * @throws ConfigError if the file names none, DataError if the paths do not hold text
 */
export async function openTexts(
  { paths: own, tokenizer: name, encoding }: TextData,
  path: string,
  paths = own,
): Promise<Texts> {
  if (paths === undefined || paths.length === 0) {
    throw new ConfigError({
      what: `data.paths in ${path}`,
      value: undefined,
      message: `data.paths in ${path} is missing`,
      expected: 'text files or folders',
      remedy: 'Name a folder of text files with --data.',
    });
  }
  const tokenizer = await atPlace(`data.tokenizer in ${path}`, () => tokenizerOf(name));
  return openDataset(paths, { tokenizer, encoding });
}
