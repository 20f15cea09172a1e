// The attention cases of a golden file in every form, with final states and every gradient, and as a stream of tokens.
import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Backend } from '@sympow/kernels';
import { CheckpointError } from '@sympow/model';
import type { Safetensors } from '@sympow/safetensors';
import {
  fixedTheta,
  frequencies,
  powerRecurrence,
  type AttentionInputs,
  type MemoryShape,
  type PowerState,
} from '@sympow/recurrence';
import {
  answersByToken,
  compileAhead,
  goldenTensor,
  judge,
  resultsOf,
  upload,
  withGradients,
  type CaseSizes,
  type Quantity,
  type Results,
} from './golden';

interface Case extends CaseSizes {
  readonly name: string;
  readonly p: number;
  readonly N: number;
  readonly gate: string;
  readonly rotary: 'none' | 'fixed' | 'data';
}

/** The ways in which each case runs. The bare step loses digits in float32 while few tokens are in the state (spec §6). */
const ways = [
  { name: 'attention', form: 'attention' },
  { name: 'chunked8', form: 'chunked', chunk: 8 },
  { name: 'chunked16', form: 'chunked', chunk: 16 },
  { name: 'chunked128', form: 'chunked', chunk: 128 },
  { name: 'recurrent', form: 'recurrent' },
] as const;

/**
 * Largest errors. Gradients may have ten times that of outputs and states; those of the bare step for p > 2, which divide by
 * sums that have all but cancelled, are only held to their size.
 */
function limit(backend: Backend, way: string, p: number, quantity: string): number {
  const double = backend.capabilities.float === 'float64';
  const gradient = quantity.startsWith('grad_');
  if (way === 'recurrent' && p > 2) return (double ? 1e-8 : 1e-1) * (gradient ? 100 : 1);
  if (way === 'recurrent') return (double ? 1e-9 : 1e-4) * (gradient ? 10 : 1);
  if (double) return gradient ? 1e-9 : 1e-10;
  return (p > 2 ? 1e-4 : 1e-5) * (gradient ? 10 : 1);
}

function judgeCase(backend: Backend, file: Safetensors, { name, p }: Case, way: string, results: Results) {
  return judge(file, name, way, results, (quantity) => limit(backend, way, p, quantity));
}

export async function attentionErrors(backend: Backend, file: Safetensors): Promise<Quantity[]> {
  const quantities: Quantity[] = [];
  const cases = Object.entries(file.metadata).map(([name, json]): Case => ({
    name,
    ...(JSON.parse(json) as Omit<Case, 'name'>),
  }));
  await compileAhead(backend, () => {
    for (const golden of cases) for (const way of ways) runForm(backend, file, golden, way);
  });
  for (const golden of cases) {
    for (const way of ways) {
      const results = resultsOf(backend, () => runForm(backend, file, golden, way));
      quantities.push(...(await judgeCase(backend, file, golden, way.name, results)));
      for (const tensor of Object.values(results)) tensor.dispose();
    }
    quantities.push(...(await runStream(backend, file, golden)));
  }
  return quantities;
}

interface Inputs extends AttentionInputs {
  readonly state: PowerState | undefined;
  /** By the name of their gradient in the file. */
  readonly leaves: Record<string, Variable>;
}

/** The case's inputs as variables whose gradients are wanted where the file has them. */
function inputsOf(backend: Backend, file: Safetensors, { name, d, N, G, B, rotary }: Case): Inputs {
  const leaves: Record<string, Variable> = {};
  const optional = (tensor: string): Variable | undefined => {
    const golden = goldenTensor(file, `${name}.${tensor}`);
    if (!golden) return undefined;
    const wanted = file.tensors.has(`${name}.grad_${tensor}`);
    const variable = (wanted ? parameter : constant)(upload(backend, golden));
    if (wanted) leaves[tensor] = variable;
    return variable;
  };
  const needed = (tensor: string): Variable => {
    const variable = optional(tensor);
    if (!variable)
      throw new CheckpointError({
        what: `tensor ${name}.${tensor}`,
        value: 'missing',
        expected: 'a golden file with it',
      });
    return variable;
  };
  const theta = rotary === 'none' ? undefined : frequencies(d, N, G);
  const phases = theta && { ...fixedTheta(backend, d, N, G), beta: rotary === 'data' ? needed('beta') : undefined };
  const [S, Z, mu] = [optional('S0'), optional('Z0'), goldenTensor(file, `${name}.mu0`)];
  let phase: Variable | undefined;
  if (mu && theta) {
    const turns = Float64Array.from({ length: B * theta.length }, (_, i) => {
      const value = (mu.data[Math.floor(i / (d / 2))]! * theta[i % theta.length]!) / (2 * Math.PI);
      return value - Math.round(value);
    });
    phase = constant(backend.upload(turns, [B, G, d / 2]));
  }
  const state = S && Z && { S, Z, phase };
  return { q: needed('q'), k: needed('k'), v: needed('v'), logGate: optional('log_gate'), phases, state, leaves };
}

function runForm(
  backend: Backend,
  file: Safetensors,
  golden: Case,
  { name: _, ...form }: (typeof ways)[number],
): Results {
  const { name, p } = golden;
  const { state, leaves, ...inputs } = inputsOf(backend, file, golden);
  const tape = new Tape(backend);
  const result = powerRecurrence({ power: p, ...form }).sequence(tape, inputs, { state });
  if (!result.state) throw new ConfigError({ what: 'the final state', value: 'missing', expected: 'one' });
  const outputs = { y: result.y, S: result.state.S, Z: result.state.Z };
  return withGradients(tape, file, name, outputs, leaves);
}

/** Token by token through the decoding window, from the same initial state. */
async function runStream(backend: Backend, file: Safetensors, golden: Case): Promise<Quantity[]> {
  const { B, G, d, e, p, rotary, gate } = golden;
  const { state, leaves: _, ...inputs } = inputsOf(backend, file, golden);
  const recurrence = powerRecurrence({ power: p });
  const shape: MemoryShape = { B, G, d, e, phases: rotary !== 'none', gateWidth: gate === 'none' ? 0 : 1 };
  const rest = async ({ value }: Variable) => ({ shape: value.shape, data: (await value.read()) as Float64Array });
  const saved = state && {
    position: 0,
    tensors: { S: await rest(state.S), Z: await rest(state.Z), ...(state.phase && { phase: await rest(state.phase) }) },
  };
  const memory = recurrence.memory(backend, shape, saved);
  const y = answersByToken(backend, golden, inputs, recurrence, memory);
  const { tensors } = await memory.save();
  memory.dispose();
  const results = {
    y,
    S: backend.upload(tensors.S!.data, tensors.S!.shape),
    Z: backend.upload(tensors.Z!.data, tensors.Z!.shape),
  };
  return judgeCase(backend, file, golden, 'decode', results);
}
