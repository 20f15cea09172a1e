// The tiny model of a golden file: logits, loss, every gradient, and the losses of its AdamW updates.
import { crossEntropy, Tape, type Variable } from '@sympow/autograd';
import { js, Random, type Backend, type Tensor } from '@sympow/kernels';
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
import { relativeError, type Quantity } from './golden';

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

/** What a file holds of a variant, or a backend computed: `logits`, `loss`, `grad.<parameter>`, `adamw_losses`. */
type Results = ReadonlyMap<string, Float64Array>;

/** Relative errors by quantity. */
type Errors = ReadonlyMap<string, number>;

/** Limits by quantity, in float32 and float64. */
function limit({ capabilities: { float } }: Backend, quantity: string, way: string): number {
  const kind = quantity.startsWith('grad.') ? 'gradient' : quantity.startsWith('adamw') ? 'losses' : quantity;
  const of = (limits: Readonly<Record<string, number>>) => limits[kind]!;
  const bare = way === 'recurrent' ? 10 : 1;
  // Ten updates amplify even the rounding of a double about a millionfold.
  if (float === 'float64') return of({ logits: 1e-9 * bare, loss: 1e-9 * bare, gradient: 1e-9 * bare, losses: 1e-4 });
  return of({ logits: 1e-5 * bare, loss: 1e-5 * bare, gradient: 1e-4 * bare, losses: 1e-3 });
}

export async function modelErrors(backend: Backend, file: Safetensors): Promise<Quantity[]> {
  const weights = new Map<string, Float64Array>();
  for (const [name, tensor] of file.tensors)
    if (name.startsWith('weight.')) weights.set(name.slice('weight.'.length), tensor.toFloat64());
  const quantities: Quantity[] = [];
  for (const variant of Object.keys(variants) as Variant[]) {
    if (!file.tensors.has(`${variant}.logits`)) continue;
    const golden = goldenOf(file, variant);
    const floors = new Map<boolean, Errors>();
    for (const { name: way, compute } of variant === 'softmax' ? [{ name: 'softmax', compute: {} }] : ways) {
      const bare = way === 'recurrent';
      if (!floors.has(bare)) floors.set(bare, await floorsOf(backend, file, variant, weights, bare));
      for (const [name, error] of errorsOf(await resultsOf(backend, file, variant, weights, compute), golden)) {
        const bound = Math.max(limit(backend, name, way), 4 * (floors.get(bare)!.get(name) ?? 0));
        quantities.push({ name: `${variant}.${way}.${name}`, error, limit: bound });
      }
    }
  }
  return quantities;
}

/** Models whose weights are rounded up or down at random, of which the worst says what rounding can do. */
const draws = 8;

/**
 * How far each quantity moves when the weights are rounded to float32: the largest of several draws. Some models enlarge that
 * a thousandfold; ten updates are a chaotic map, which a single draw may happen to leave nearly where it was. Computed in doubles,
 * but for the bare recurrence: few tokens in a state leave it few digits in float32, so its floor is that of plain float32.
 */
async function floorsOf(
  { capabilities }: Backend,
  file: Safetensors,
  variant: Variant,
  weights: ReadonlyMap<string, Float64Array>,
  bare: boolean,
): Promise<Errors> {
  const floors = new Map<string, number>();
  if (capabilities.float === 'float64') return floors;
  const exact = await js({ float: 'float64' }).open();
  const base = await resultsOf(exact, file, variant, weights, { form: 'attention' });
  const backend = bare ? await js().open() : exact;
  const random = new Random(0, 'rounding');
  for (let draw = 0; draw < draws; draw++) {
    const rounded = (x: number) => Math.fround(x * (1 + 2 ** -24 * (2 * random.uniform() - 1)));
    const near = new Map([...weights].map(([name, values]) => [name, values.map(rounded)]));
    const moved = await resultsOf(backend, file, variant, near, { form: bare ? 'recurrent' : 'attention' });
    for (const [name, error] of errorsOf(moved, base)) floors.set(name, Math.max(floors.get(name) ?? 0, error));
  }
  await backend.close();
  await exact.close();
  return floors;
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

function goldenOf(file: Safetensors, variant: Variant): Results {
  const own = [...file.tensors].filter(([name]) => name.startsWith(`${variant}.`));
  return new Map(own.map(([name, tensor]) => [name.slice(variant.length + 1), tensor.toFloat64()]));
}

/** Everything that the file holds of a variant, computed. */
async function resultsOf(
  backend: Backend,
  file: Safetensors,
  variant: Variant,
  weights: ReadonlyMap<string, Float64Array>,
  compute: ComputeOptions,
): Promise<Results> {
  const model = modelOf(backend, configOf(file, variant), weights, compute);
  const run = { backend, model, ...tokensOf(backend, file) };
  const results = new Map<string, Float64Array>();
  const { tape, logits, losses } = pass(run);
  results.set('logits', Float64Array.from(await logits.value.read()));
  results.set('loss', Float64Array.of(await meanOf(losses)));
  for (const [parameter, variable] of model.parameters) {
    if (!file.tensors.has(`${variant}.grad.${parameter}`)) continue;
    results.set(`grad.${parameter}`, Float64Array.from(await tape.gradientOrZero(variable).read()));
  }
  const trained = file.tensors.get(`${variant}.adamw_losses`);
  if (trained) {
    const settings = JSON.parse(file.metadata.adamw!) as GoldenAdamW;
    results.set('adamw_losses', Float64Array.from(await trainingLosses(run, settings, trained.shape[0]!)));
  }
  model.dispose();
  return results;
}

/** Relative errors of all that was computed. Two losses see one update: the optimizer itself, before rounding could grow. */
function errorsOf(results: Results, expected: Results): Errors {
  const errors = new Map<string, number>();
  for (const [name, ours] of results) {
    const golden = expected.get(name)!;
    if (name === 'adamw_losses') errors.set('adamw_first_losses', relativeError(ours.slice(0, 2), golden.slice(0, 2)));
    errors.set(name, ours.length === golden.length ? relativeError(ours, golden) : NaN);
  }
  return errors;
}

/** The losses before each of the file's AdamW updates, taken from the model's present weights, which are moved on. */
async function trainingLosses(run: Run, settings: GoldenAdamW, count: number): Promise<number[]> {
  const { backend, model } = run;
  const { lr, betas, eps, weight_decay: weightDecay, clip } = settings;
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
