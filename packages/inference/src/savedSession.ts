/**
 * A session as the bytes of a safetensors file: what every layer remembers, as it stands, and in the metadata all else. It can be
 * gone on with on any backend. States of halves stand there as halves.
 *
 * Version 2. Version 1, which held the public state alone, is read as well.
 */

import { Random, SympowError, type RandomState } from '@sympow/kernels';
import {
  CheckpointError,
  fingerprintOf,
  ofCheckpoint,
  restoreMemory,
  type Model,
  type ModelMemory,
} from '@sympow/model';
import type { SavedTensor } from '@sympow/recurrence';
import { parseSafetensors, serializeSafetensors } from '@sympow/safetensors';
import type { OpenText } from './textStream';

/** What a session carries. */
export interface SessionParts {
  readonly memory: ModelMemory;
  readonly unread: Int32Array | undefined;
  readonly random: Random | undefined;
  readonly text: OpenText | undefined;
}

const FORMAT = 'sympow-state';
const VERSION = '2';
const halves = { float16: 'F16', bfloat16: 'BF16' } as const;
/** Characters of metadata that are read: those of a prompt that was hardly begun would fit. */
const MAX_JSON = 2 ** 26;

export async function encodeSession(model: Model, { memory, unread, random, text }: SessionParts): Promise<Uint8Array> {
  const { position, tensors } = await memory.save({ exact: true });
  const rest = { unread: Array.from(unread ?? []), random: random?.save(), text };
  const metadata = {
    ...{ format: FORMAT, version: VERSION, position: String(position), model: await fingerprintOf(model) },
    session: JSON.stringify(rest),
  };
  const stored = Object.entries(tensors).map(
    ([name, { shape, data, half }]) => [name, { shape, data, ...(half && { dtype: halves[half] }) }] as const,
  );
  return serializeSafetensors(stored, metadata);
}

/** See `Session.restore`. */
export async function decodeSession(model: Model, bytes: Uint8Array, source: string): Promise<SessionParts> {
  const { metadata, tensors } = ofCheckpoint(() => parseSafetensors(bytes, { source }));
  const { format, version, session = '{}' } = metadata;
  const position = Number(metadata.position);
  const known = format === FORMAT && (version === VERSION || version === '1');
  if (!known || !Number.isSafeInteger(position) || position < 0) {
    throw new CheckpointError({
      what: source,
      value: format,
      message: `${source} is no state that this version can read`,
      expected: `a safetensors file with format ${FORMAT}, version 1 or ${VERSION}, and a position`,
      remedy: 'Save the state again.',
    });
  }
  const rest = readRest(session, model.config.vocabSize, source);
  const saved: Record<string, SavedTensor> = {};
  for (const [tensor, stored] of tensors) {
    const data = ofCheckpoint(() => (stored.dtype === 'F64' ? stored.toFloat64() : stored.toFloat32()));
    saved[tensor] = { shape: stored.shape, data };
  }
  const memory = restoreMemory(model, { position, tensors: saved });
  try {
    // Version 1 does not say which model it belongs to.
    if (version !== '1') await requireModel(metadata.model, model, source);
  } catch (error) {
    memory.dispose();
    throw error;
  }
  return { memory, ...rest };
}

async function requireModel(fingerprint: string | undefined, model: Model, source: string): Promise<void> {
  const own = await fingerprintOf(model);
  if (fingerprint === own) return;
  throw new CheckpointError({
    what: `model of ${source}`,
    value: fingerprint,
    message: `${source} was saved by a model with other weights or settings`,
    expected: `that of model ${own}`,
    remedy: 'Use the checkpoint that saved it, or read the text again.',
  });
}

/** What stands beside the memory, none of it believed. */
function readRest(json: string, vocabSize: number, source: string): Omit<SessionParts, 'memory'> {
  try {
    if (json.length > MAX_JSON) throw new TypeError(`${json.length} characters`);
    const { unread = [], random, text } = JSON.parse(json) as Record<string, unknown>;
    return {
      unread: Int32Array.from(tokensOf(unread, vocabSize)),
      random: random === undefined ? undefined : Random.load(random as RandomState),
      text: text === undefined ? undefined : textOf(text as OpenText, vocabSize),
    };
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError || cause instanceof SympowError)) throw cause;
    throw new CheckpointError({
      what: `session in ${source}`,
      value: json.length > 80 ? `${json.slice(0, 80)}…` : json,
      expected: 'tokens, the place in a random stream, and the end of a text',
      remedy: 'The file is damaged; save the state again.',
      cause,
    });
  }
}

function tokensOf(value: unknown, vocabSize: number): readonly number[] {
  const sound = (token: unknown) =>
    Number.isSafeInteger(token) && (token as number) >= 0 && (token as number) < vocabSize;
  if (Array.isArray(value) && value.every(sound)) return value as number[];
  throw new TypeError('not a list of tokens');
}

function textOf({ tokens, held }: OpenText, vocabSize: number): OpenText {
  if (typeof held !== 'string') throw new TypeError('held is no text');
  return { tokens: tokensOf(tokens, vocabSize), held };
}
