// A checkpoint of Hugging Face's library with what that library computes from it, in doubles: the logits of a sequence, and the
// tokens that it goes on with, which are read here one by one as a stream.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Tape } from '@sympow/autograd';
import { generate } from '@sympow/inference';
import type { Backend } from '@sympow/kernels';
import { folderStorage, loadWeights, Model, readConfig, type ModelConfig } from '@sympow/model';
import { encoderOf, parseSafetensors, StoredTensor, type Safetensors, type StoredDType } from '@sympow/safetensors';
import { readFile } from 'node:fs/promises';
import { errorOf, goldenTensor, type Quantity } from './golden';

const EXPECTED = 'expected.safetensors';
/** Tokens of the text that is gone on with. */
const promptTokens = 7;

/** Whether a path is the folder of a checkpoint with what is expected of it. */
export async function isCheckpoint(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => [] as string[])).includes(EXPECTED);
}

export async function checkpointErrors(backend: Backend, path: string): Promise<Quantity[]> {
  const file = parseSafetensors(new Uint8Array(await readFile(join(path, EXPECTED))), { source: path });
  const name = basename(path);
  const storage = folderStorage(path);
  const model = Model.blank(backend, asComputed(await readConfig(storage), file));
  await loadWeights(model, storage);
  const ids = file.tensors.get('ids')!;
  const tokens = backend.upload(ids.toInt32(), ids.shape);
  const tape = new Tape(backend, { record: false });
  const value = backend.scope((keep) => keep(model.forward(tape, tokens).value));
  const logits = { name: `${name}.logits`, error: await errorOf(value, goldenTensor(file, 'logits')!), limit: 1e-5 };
  const greedy = [...file.tensors.get('greedy')!.toInt32()];
  const prompt = greedy.slice(0, promptTokens);
  let others = 0;
  let at = promptTokens;
  for await (const { token } of generate(model, { prompt, temperature: 0, maxTokens: greedy.length - promptTokens })) {
    if (token !== greedy[at++]) others++;
  }
  for (const tensor of [tokens, value]) tensor.dispose();
  model.dispose();
  return [logits, { name: `${name}.greedy`, error: others, limit: 0 }];
}

/**
 * The model that the file's program had: it made all numbers of a half as wide before it widened them again, the frequencies
 * of the rotary embedding too, which that library otherwise keeps in float32, and which are therefore exact here.
 */
function asComputed(config: ModelConfig, { metadata }: Safetensors): ModelConfig {
  const type = ({ 'torch.float16': 'F16', 'torch.bfloat16': 'BF16' } as Record<string, StoredDType>)[metadata.dtype!];
  const { rotary } = config;
  if (type === undefined) return config;
  const constants: typeof rotary.constants = (settings, backend) => {
    const { theta } = rotary.constants!(settings, backend);
    const data = Float32Array.from(theta!.values);
    const bytes = encoderOf({ shape: [data.length], data, dtype: type })();
    const values = new StoredTensor('theta', type, [data.length], bytes).toFloat64();
    return { theta: { ...theta!, values }, theta_tail: { ...theta!, values: new Float64Array(values.length) } };
  };
  return { ...config, rotary: { ...rotary, constants } };
}
