// `sympow generate`: text from a checkpoint, as it comes, in memory that does not grow.

import { textInputs } from '@sympow/data';
import { Session, loadSession, saveSession, writeText, type WrittenText } from '@sympow/inference';
import { folderStorage } from '@sympow/model';
import type { Command as CommanderCommand } from 'commander';
import { basename, dirname } from 'node:path';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { openEntries, withEntries, type EntryFlags } from '../entries';
import { openCheckpoint } from '../checkpoint';
import { real, some, whole, type Command } from '../command';
import { textEncodings } from '../dataOptions';
import { UsageError } from '../failure';
import { interruptible } from '../interrupt';
import { computeOf, withCompute, type ComputeFlags } from '../modelOptions';
import { bytes, createOutput, type Output } from '../output';
import { unread } from '../streams';

interface Flags extends BackendFlags, ComputeFlags, EntryFlags {
  prompt?: string;
  promptFile?: string;
  encoding?: string;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP: number;
  minP: number;
  stop: string[];
  stateIn?: string;
  stateOut?: string;
  /** Absent where it was not given. */
  seed?: number;
  json?: true;
}

async function run(path: string, flags: Flags, output: Output): Promise<WrittenText> {
  const prompt = await promptOf(flags);
  const entries = await openEntries(flags);
  const backend = await openBackend(flags);
  try {
    const load = { ...computeOf(flags), entries };
    const { model, tokenizer, notes } = await openCheckpoint(backend, path, load, output.note);
    for (const note of notes) output.note(`note: ${note}`);
    const { stateIn, stateOut } = flags;
    const session =
      stateIn === undefined
        ? new Session(model)
        : await loadSession(folderStorage(dirname(stateIn)), basename(stateIn), model);
    if (stateIn === undefined) output.write(prompt);
    const open = stateOut !== undefined;
    const { maxTokens, temperature, topK, topP, minP, stop, seed } = flags;
    const options = { prompt, maxTokens, temperature, topK, topP, minP, stop, seed, session, open };
    const report = await interruptible(output.note, (stopped) => {
      const signal = AbortSignal.any([stopped, unread]);
      return writeText(model, tokenizer, { ...options, signal, write: output.write });
    });
    output.write('\n');
    if (open) await saveSession(folderStorage(dirname(stateOut)), basename(stateOut), session);
    output.note(summary(report));
    return report;
  } finally {
    await backend.close();
  }
}

/** The text to begin with; empty where a saved state goes on by itself. */
async function promptOf({ prompt, promptFile, encoding, stateIn }: Flags): Promise<string> {
  if (prompt !== undefined && promptFile !== undefined) {
    throw new UsageError({ what: '--prompt', value: prompt, expected: 'it or --prompt-file, not both' });
  }
  const given = promptFile === undefined ? prompt : await readPrompt(promptFile, encoding);
  if (stateIn !== undefined) return given ?? '';
  if (given !== '') return given ?? '\n';
  const what = promptFile === undefined ? '--prompt' : `--prompt-file ${promptFile}`;
  throw new UsageError({
    what,
    value: '',
    message: `${what} is empty`,
    expected: 'text to begin with',
    remedy: 'Leave it out to begin with a line break.',
  });
}

async function readPrompt(path: string, encoding: string | undefined): Promise<string> {
  const { inputs } = await textInputs(path, { encoding });
  if (inputs.length > 1) {
    throw new UsageError({ what: '--prompt-file', value: path, expected: 'one file', remedy: 'Name a file in it.' });
  }
  return new TextDecoder().decode(await inputs[0]!.read());
}

function summary({ tokens, tokensPerSecond, promptTokens, promptTokensPerSecond, stateBytes }: WrittenText): string {
  const part = (what: string, count: number, speed: number | null) =>
    `${what} ${count} tokens${speed === null ? '' : ` at ${speed.toFixed(1)} tokens/s`}`;
  const read = part('read', promptTokens, promptTokensPerSecond);
  const written = part('wrote', tokens, tokensPerSecond);
  return `${read}, ${written}, memory of the stream ${bytes(stateBytes)}`;
}

function options(command: CommanderCommand): void {
  command
    .argument('<checkpoint>', 'a checkpoint, or the folder of a run (its newest); a checkpoint also at an address')
    .option('--prompt <text>', 'text to begin with (default: a line break, or where --state-in stopped)')
    .option(
      '--prompt-file <file>',
      'a file with the text to begin with; - is standard input',
      some('--prompt-file', 'a file'),
    )
    .option('--encoding <name>', `of that file: ${textEncodings} (default: utf-8)`)
    .option('--max-tokens <n>', 'most tokens', whole('--max-tokens', 0), 300)
    .option(
      '--temperature <t>',
      '0 takes the most likely token',
      real('--temperature', (x) => x >= 0 && x < Infinity, 'a number of at least 0'),
      0.8,
    )
    .option('--top-k <k>', 'only the k most likely tokens', whole('--top-k'))
    .option(
      '--top-p <p>',
      'only the most likely tokens that sum to p',
      real('--top-p', (x) => x > 0 && x <= 1, 'a number above 0 and at most 1'),
      1,
    )
    .option(
      '--min-p <p>',
      'only tokens at least p times as likely as the most likely one',
      real('--min-p', (x) => x >= 0 && x <= 1, 'a number from 0 to 1'),
      0,
    )
    .option(
      '--stop <text>',
      'end where this text begins; may be given several times',
      (text: string, all: string[]) => [...all, some('--stop', 'text that ends what is written')(text)],
      [],
    )
    .option('--state-in <file>', 'go on from a saved state, where its text stopped', some('--state-in', 'a file'))
    .option(
      '--state-out <file>',
      'save the state at the end, to go on from: it does not grow with the text',
      some('--state-out', 'a file'),
    )
    // A saved state goes on with the draws of its own seed where none is given.
    .hook('preAction', (own) => {
      if (own.getOptionValueSource('seed') === 'default') own.setOptionValue('seed', undefined);
    });
  withCompute(withBackend(withEntries(command)));
}

export const generate: Command = {
  name: 'generate',
  description: 'Write text from a checkpoint.',
  examples: [
    'sympow generate runs/books --prompt "It was"',
    'sympow generate runs/books --prompt "It was" --state-out chapter.safetensors',
    'sympow generate runs/books --state-in chapter.safetensors  # goes on',
    'zcat book.gz | sympow generate runs/books --prompt-file -',
  ],
  options,
  async run(args, flags) {
    const output = createOutput(flags.json === true);
    output.json(await run(args[0] as string, flags as unknown as Flags, output));
  },
};
