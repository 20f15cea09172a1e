import { ConfigError } from '@sympow/kernels';
import type { CheckpointFormat, ConfigJson } from './api';
import { sympow } from './sympow';

/** The formats of checkpoints that can be read, by `model_type`; those of others are loaded when a checkpoint asks for one. */
export const formats: Readonly<Record<string, () => Promise<CheckpointFormat>>> = {
  [sympow.name]: () => Promise.resolve(sympow),
  llama: async () => (await import('./llama')).llama,
  mistral: async () => (await import('./mistral')).mistral,
  qwen2: async () => (await import('./qwen2')).qwen2,
  qwen3: async () => (await import('./qwen3')).qwen3,
  starcoder2: async () => (await import('./starcoder2')).starcoder2,
  gpt2: async () => (await import('./gpt2')).gpt2,
};

/** The format of a checkpoint by its `config.json`. @throws ConfigError for one that there is not */
export async function formatOf(json: unknown): Promise<{ format: CheckpointFormat; fields: ConfigJson }> {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as ConfigJson;
  const { model_type: type } = fields;
  if (typeof type === 'string' && Object.hasOwn(formats, type)) return { format: await formats[type]!(), fields };
  const expected = `one of ${Object.keys(formats).join(', ')}`;
  throw new ConfigError({ what: 'model_type in config.json', value: type, expected });
}

export type { CheckpointFormat, ConfigJson, Origin } from './api';
