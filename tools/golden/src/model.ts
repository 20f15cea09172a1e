// The tiny model of a golden file: logits, loss, every gradient, and the losses of its AdamW updates.
import { crossEntropy, Tape, type Variable } from '@sympow/autograd';
import { js, type Backend, type Tensor } from '@sympow/kernels';
import {
  CheckpointError,
  Model,
  modelConfig,
  variants,
  type ComputeOptions,
  type ModelConfig,
  type Variant,
} from '@sympow/model';
import type { Safetensors } from '@sympow/safetensors';
import { AdamW } from '@sympow/training';
import { errorOf, goldenTensor, relativeError, type Golden, type Quantity } from './golden';

/** Keys of the file's `config`. */
interface GoldenConfig {
  readonly vocab: number;
  readonly dm: number;
  readonly L: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly ff: number;
  readonly p: number;
  readonly N: number;
  readonly swiglu?: boolean;
  readonly rms?: boolean;
  readonly qknorm?: boolean;
}

/** Keys of the file's `adamw`. */
interface GoldenAdamW {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly clip: number;
}

const ways: readonly { readonly name: string; readonly compute: ComputeOptions }[] = [
  { name: 'attention', compute: { form: 'attention' } },
  { name: 'chunked8', compute: { form: 'chunked', chunk: 8 } },
  { name: 'recurrent', compute: { form: 'recurrent' } },
];

/** Limits by quantity: float32, float64, and products of half-precision operands, of which this model enlarges the error. */
function limit(backend: Backend, quantity: 'logits' | 'loss' | 'gradient' | 'losses', way: string): number {
  const bare = way === 'recurrent' ? 10 : 1;
  // Ten updates amplify even the rounding of a double about a millionfold.
  if (backend.capabilities.float === 'float64') return quantity === 'losses' ? 1e-4 : 1e-9 * bare;
  if (backend.capabilities.operands) return { logits: 2e-2, loss: 2e-3, gradient: 1e-1, losses: 1e-2 }[quantity];
  return { logits: 1e-5 * bare, loss: 1e-5 * bare, gradient: 1e-4 * bare, losses: 1e-3 }[quantity];
}

export async function modelErrors(backend: Backend, file: Safetensors): Promise<Quantity[]> {
  const weights = new Map<string, Float64Array>();
  for (const [name, tensor] of file.tensors)
    if (name.startsWith('weight.')) weights.set(name.slice('weight.'.length), tensor.toFloat64());
  const { inputs, targets } = tokensOf(backend, file);
  const quantities: Quantity[] = [];
  for (const variant of Object.keys(variants) as Variant[]) {
    if (!file.tensors.has(`${variant}.logits`)) continue;
    const trains = file.tensors.has(`${variant}.adamw_losses`);
    const double = backend.capabilities.float === 'float64';
    const floor = trains && !double ? await roundingFloor(file, variant, weights) : 0;
    if (trains && !double) quantities.push({ name: `${variant}.adamw_rounding_floor`, error: floor, limit: Infinity });
    for (const { name: way, compute } of variant === 'softmax' ? [{ name: 'softmax', compute: {} }] : ways) {
      const config = configOf(file, variant);
      const model = modelOf(backend, config, weights, compute);
      const run = { backend, file, variant, way, model, inputs, targets };
      quantities.push(...(await passErrors(run)));
      if (trains) quantities.push(...(await trainingErrors(run, floor)));
      model.dispose();
    }
  }
  return quantities;
}

/** The file keeps the weights of the richest variant: the others use what they need of them. */
function modelOf(
  backend: Backend,
  config: ModelConfig,
  weights: ReadonlyMap<string, Float64Array>,
  compute: ComputeOptions,
): Model {
  const own = [...weights].filter(([name]) => {
    if (/gate_proj\.(weight|bias)$/.test(name) && name.includes('self_attn')) return config.gate.name === 'data';
    return name.includes('beta_proj') ? config.rotary.name === 'data' : true;
  });
  return Model.fromWeights(backend, config, new Map(own), compute);
}

function configOf({ metadata }: Safetensors, variant: Variant): ModelConfig {
  const { vocab, dm, L, H, G, d, ff, p, N, swiglu, rms, qknorm } = JSON.parse(metadata.config!) as GoldenConfig;
  return modelConfig({
    ...variants[variant],
    vocabSize: vocab,
    hiddenSize: dm,
    layers: L,
    heads: H,
    keyValueHeads: G,
    headSize: d,
    intermediateSize: ff,
    power: p,
    rotaryHorizon: N,
    mlp: swiglu ? 'swiglu' : 'gelu',
    norm: rms ? 'rms' : 'layer',
    queryKeyNorm: qknorm ?? false,
  });
}

/** Tokens [B, T+1] as inputs and the targets one further. */
function tokensOf(backend: Backend, file: Safetensors): { inputs: Tensor; targets: Tensor } {
  const stored = file.tensors.get('tokens');
  if (!stored)
    throw new CheckpointError({ what: 'tensor tokens', value: 'missing', expected: 'a golden file of a model' });
  const [B, length] = stored.shape as [number, number];
  const tokens = stored.toInt32();
  const shifted = (by: number) => {
    const rows = Array.from({ length: B }, (_, b) => [
      ...tokens.subarray(b * length + by, b * length + by + length - 1),
    ]);
    return backend.upload(Int32Array.from(rows.flat()), [B, length - 1]);
  };
  return { inputs: shifted(0), targets: shifted(1) };
}

interface Run {
  readonly backend: Backend;
  readonly file: Safetensors;
  readonly variant: Variant;
  readonly way: string;
  readonly model: Model;
  readonly inputs: Tensor;
  readonly targets: Tensor;
}

/** One recorded pass: logits and losses kept, gradients of the mean loss on the tape. */
function pass({ backend, model, inputs, targets }: Run): { tape: Tape; logits: Variable; losses: Variable } {
  const tape = new Tape(backend);
  const logits = tape.keep(model.forward(tape, inputs));
  const losses = tape.keep(crossEntropy(tape, logits, targets));
  const mean = backend.empty(targets.shape);
  backend.kernels.fill({ value: 1 / targets.size, y: mean });
  tape.backward([[losses, mean]]);
  return { tape, logits, losses };
}

async function meanOf({ value }: Variable): Promise<number> {
  return Array.from(await value.read()).reduce((a, b) => a + b, 0) / value.size;
}

async function passErrors(run: Run): Promise<Quantity[]> {
  const { backend, file, variant, way, model } = run;
  const { tape, logits, losses } = pass(run);
  const name = `${variant}.${way}`;
  const golden = (tensor: string): Golden => goldenTensor(file, `${variant}.${tensor}`)!;
  const quantities: Quantity[] = [
    {
      name: `${name}.logits`,
      error: await errorOf(logits.value, golden('logits')),
      limit: limit(backend, 'logits', way),
    },
    {
      name: `${name}.loss`,
      error: relativeError([await meanOf(losses)], golden('loss').data),
      limit: limit(backend, 'loss', way),
    },
  ];
  for (const [parameter, variable] of model.parameters) {
    const expected = goldenTensor(file, `${variant}.grad.${parameter}`);
    if (!expected) continue;
    const error = await errorOf(tape.gradientOrZero(variable), expected);
    quantities.push({ name: `${name}.grad.${parameter}`, error, limit: limit(backend, 'gradient', way) });
  }
  return quantities;
}

/** The losses before each of the file's AdamW updates, taken from the model's present weights, which are moved on. */
async function trainingLosses(run: Run, count: number): Promise<number[]> {
  const { backend, file, model } = run;
  const { lr, betas, eps, weight_decay: weightDecay, clip } = JSON.parse(file.metadata.adamw!) as GoldenAdamW;
  const options = { beta1: betas[0], beta2: betas[1], eps, weightDecay, clip };
  const optimizer = new AdamW(backend, model.parameters, model.decays, options);
  const losses: number[] = [];
  for (let step = 0; step < count; step++) {
    const { tape, losses: loss } = pass(run);
    losses.push(await meanOf(loss));
    const gradients = [...model.parameters.values()].map((variable) => tape.gradientOrZero(variable));
    optimizer.update(gradients, lr);
  }
  optimizer.dispose();
  return losses;
}

async function trainingErrors(run: Run, floor: number): Promise<Quantity[]> {
  const { backend, file, variant, way } = run;
  const golden = goldenTensor(file, `${variant}.adamw_losses`)!.data;
  const losses = await trainingLosses(run, golden.length);
  const bound = limit(backend, 'losses', way);
  const name = `${variant}.${way}.adamw`;
  return [
    // Two losses see one update: the optimizer itself, before rounding has had time to grow.
    { name: `${name}_first_losses`, error: relativeError(losses.slice(0, 2), golden.slice(0, 2)), limit: bound },
    { name: `${name}_losses`, error: relativeError(losses, golden), limit: Math.max(bound, 4 * floor) },
  ];
}

/**
 * How far the losses of this file move when nothing but its weights is rounded to float32, in double arithmetic. Training
 * is a chaotic map, and no float32 weights can follow the file more closely than this.
 */
async function roundingFloor(
  file: Safetensors,
  variant: Variant,
  weights: ReadonlyMap<string, Float64Array>,
): Promise<number> {
  const backend = await js({ float: 'float64' }).open();
  const rounded = new Map([...weights].map(([name, values]) => [name, values.map(Math.fround)]));
  const model = modelOf(backend, configOf(file, variant), rounded, {});
  const golden = goldenTensor(file, `${variant}.adamw_losses`)!.data;
  const run: Run = { backend, file, variant, way: 'attention', model, ...tokensOf(backend, file) };
  const losses = await trainingLosses(run, golden.length);
  await backend.close();
  return relativeError(losses, golden);
}
