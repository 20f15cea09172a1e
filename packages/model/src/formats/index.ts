import { ConfigError } from '@sympow/kernels';
import type { CheckpointFormat, ConfigJson } from './api';
import { gpt2 } from './gpt2';
import { llama } from './llama';
import { mistral } from './mistral';
import { qwen2 } from './qwen2';
import { qwen3 } from './qwen3';
import { starcoder2 } from './starcoder2';
import { sympow } from './sympow';

/** The formats of checkpoints that can be read, the one that is written first. */
export const formats: readonly CheckpointFormat[] = [sympow, llama, mistral, qwen2, qwen3, starcoder2, gpt2];

/** The format of a checkpoint by its `config.json`. @throws ConfigError for one that there is not */
export function formatOf(json: unknown): { format: CheckpointFormat; fields: ConfigJson } {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as ConfigJson;
  const { model_type: type } = fields;
  const format = formats.find(({ name }) => name === type);
  if (format) return { format, fields };
  const names = formats.map(({ name }) => name);
  const expected = `one of ${names.join(', ')}`;
  throw new ConfigError({ what: 'model_type in config.json', value: type, expected });
}

export type { CheckpointFormat, ConfigJson, Origin } from './api';
