// The file that `sympow compare` reads.

import { ConfigError } from '@sympow/kernels';
import { parseExperiment, type Experiment } from '@sympow/experiments';
import { readFileSync } from 'node:fs';

/**
 * Reads an experiment.
 *
 * @throws ConfigError that names the file, the place in it, what stands there and what was expected
 */
export function readExperiment(path: string): Experiment {
  return parseExperiment(readText(path), path);
}

/** A file, without the mark that some editors put in front of it. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (cause) {
    const message = `cannot read ${path} (${(cause as Error).message})`;
    throw new ConfigError({ what: path, value: undefined, message, expected: 'a file in JSON', cause });
  }
}
