// `sympow generate`: text from a checkpoint, as it comes, in memory that does not grow.

import type { Tokenizer } from '@sympow/data';
import {
  folderStorage,
  generate as generateTokens,
  loadMemory,
  saveMemory,
  type Model,
  type ModelMemory,
} from '@sympow/model';
import type { Command as CommanderCommand } from 'commander';
import { basename, dirname } from 'node:path';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { openCheckpoint } from '../checkpoint';
import { real, whole, type Command } from '../command';
import { interruptible } from '../interrupt';
import { computeOf, withCompute, type ComputeFlags } from '../modelOptions';
import { bytes, createOutput, type Output } from '../output';
import { unread } from '../streams';

interface Flags extends BackendFlags, ComputeFlags {
  prompt: string;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP: number;
  stop: string[];
  stateIn?: string;
  stateOut?: string;
  seed: number;
  json?: true;
}

export interface GenerateResult {
  readonly text: string;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly stateBytes: number;
}

/** What {@link writeText} needs beside the model. */
export interface WriteTextOptions {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature?: number;
  readonly topK?: number | undefined;
  readonly topP?: number;
  /** Ends the text where one of these begins. */
  readonly stop?: readonly string[];
  readonly seed: number;
  readonly memory: ModelMemory;
  readonly signal?: AbortSignal;
  /** Receives the text as it comes. */
  readonly write: (text: string) => void;
}

/** Generates text piece by piece; returns what was written, and the last token, with which the next prompt begins. */
export async function writeText(
  model: Model,
  tokenizer: Tokenizer,
  options: WriteTextOptions,
): Promise<GenerateResult & { lastToken: number | undefined }> {
  const { prompt, memory, signal, stop = [], write, ...sampling } = options;
  const decoder = tokenizer.decoder();
  const start = performance.now();
  let text = '';
  let tokens = 0;
  let written = 0;
  let lastToken: number | undefined;
  let stopped = false;
  // Text that may be the beginning of a stop is held back until it is decided.
  const held = Math.max(0, ...stop.map(({ length }) => length - 1));
  const flush = (to: number) => {
    if (to > written) write(text.slice(written, to));
    written = Math.max(written, to);
  };
  try {
    for await (const { token } of generateTokens(model, {
      ...sampling,
      prompt: tokenizer.encode(prompt),
      memory,
      signal,
    })) {
      tokens++;
      lastToken = token;
      text += decoder.push(token);
      const found = stop.map((word) => text.indexOf(word, Math.max(0, written - held))).filter((at) => at >= 0);
      if (found.length > 0) {
        text = text.slice(0, Math.min(...found));
        stopped = true;
        break;
      }
      flush(text.length - held);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  // A character whose last bytes did not come is shown as one that is missing.
  if (!stopped) text += decoder.end();
  flush(text.length);
  const seconds = (performance.now() - start) / 1000;
  return { text, tokens, tokensPerSecond: tokens / seconds, stateBytes: memory.bytes, lastToken };
}

async function run(path: string, flags: Flags, output: Output): Promise<GenerateResult> {
  const backend = await openBackend(flags);
  try {
    const { model, tokenizer } = await openCheckpoint(backend, path, computeOf(flags));
    const memory = flags.stateIn
      ? await loadMemory(folderStorage(dirname(flags.stateIn)), basename(flags.stateIn), model)
      : model.memory();
    if (!flags.stateIn) output.write(flags.prompt);
    const result = await interruptible(output.note, (stop) => {
      const signal = AbortSignal.any([stop, unread]);
      return writeText(model, tokenizer, { ...flags, memory, signal, write: output.write });
    });
    output.write('\n');
    const { lastToken, ...report } = result;
    if (flags.stateOut) {
      if (lastToken !== undefined) await readToken(model, memory, lastToken);
      await saveMemory(folderStorage(dirname(flags.stateOut)), basename(flags.stateOut), memory);
    }
    output.note(
      `${report.tokens} tokens, ${report.tokensPerSecond.toFixed(1)} tokens/s, memory of the stream ${bytes(report.stateBytes)}`,
    );
    return report;
  } finally {
    await backend.close();
  }
}

/** Moves the memory past the last token written, so that a saved state holds all of the text. */
async function readToken(model: Model, memory: ModelMemory, token: number): Promise<void> {
  await generateTokens(model, { prompt: [token], maxTokens: 0, memory }).next();
}

function options(command: CommanderCommand): void {
  command
    .argument('<checkpoint>', 'a checkpoint, or the folder of a run (its newest)')
    .option('--prompt <text>', 'text to begin with', '\n')
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
      '--stop <text>',
      'end where this text begins; may be given several times',
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option('--state-in <file>', 'go on from a saved state instead of an empty one')
    .option('--state-out <file>', 'save the state at the end: the same size after any number of tokens');
  withCompute(withBackend(command));
}

export const generate: Command = {
  name: 'generate',
  description: 'Write text from a checkpoint.',
  examples: [
    'sympow generate runs/books --prompt "It was"',
    'sympow generate runs/books --prompt "It was" --max-tokens 1000 --temperature 0.7 --state-out chapter.safetensors',
  ],
  options,
  async run(args, flags) {
    const output = createOutput(flags.json === true);
    output.json(await run(args[0] as string, flags as unknown as Flags, output));
  },
};
