// Cases of the other kinds of attention, by the names of their entries: in every form, with final states and every gradient, and as
// a stream of tokens.
import { constant, parameter, sliceRows, Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Backend, type Tensor } from '@sympow/kernels';
import {
  fixedTheta,
  gates,
  kinds,
  type AttentionInputs,
  type Form,
  type Recurrence,
  type State,
} from '@sympow/recurrence';
import type { Safetensors } from '@sympow/safetensors';
import { errorOf, goldenTensor, upload, type Quantity } from './golden';

interface Case {
  readonly kind: string;
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  /** W, N and p where the kind has them. */
  readonly W?: number;
  readonly N?: number;
  readonly p?: number;
}

const ways: readonly { readonly name: string; readonly form: Form; readonly chunk?: number }[] = [
  { name: 'attention', form: 'attention' },
  { name: 'chunked8', form: 'chunked', chunk: 8 },
  { name: 'chunked128', form: 'chunked', chunk: 128 },
  { name: 'recurrent', form: 'recurrent' },
];

/** As those of the power cases. */
function limit(backend: Backend, way: string, quantity: string): number {
  const double = backend.capabilities.float === 'float64';
  const answers = double ? 1e-10 : way === 'recurrent' ? 1e-4 : 1e-5;
  return answers * (quantity.startsWith('grad_') ? 10 : 1);
}

/** Whether the cases of a file are those of other kinds: each says which. */
export function hasKinds({ metadata }: Safetensors): boolean {
  return Object.values(metadata).some((json) => 'kind' in (JSON.parse(json) as object));
}

export async function kindErrors(backend: Backend, file: Safetensors): Promise<Quantity[]> {
  const quantities: Quantity[] = [];
  for (const [name, json] of Object.entries(file.metadata)) {
    const golden = JSON.parse(json) as Case;
    for (const { name: way, ...compute } of ways) {
      const recurrence = recurrenceOf(golden, file.tensors.has(`${name}.log_gate_vector`), compute);
      const results = runForm(backend, file, name, golden, recurrence);
      quantities.push(...(await judge(backend, file, name, way, results)));
    }
    const recurrence = recurrenceOf(golden, file.tensors.has(`${name}.log_gate_vector`));
    quantities.push(
      ...(await judge(backend, file, name, 'decode', await runStream(backend, file, name, golden, recurrence))),
    );
  }
  return quantities;
}

function recurrenceOf({ kind, H, G, d, p = 2, W = 1 }: Case, vector: boolean, compute = {}): Recurrence {
  const entry = kinds.find(({ name }) => name === kind);
  if (!entry) {
    const expected = `one of ${kinds.map(({ name }) => name).join(', ')}`;
    throw new ConfigError({ what: 'kind of a golden case', value: kind, expected });
  }
  const gate = gates.find(({ width }) => width === (vector ? 'd' : 1))!;
  const settings = {
    heads: H,
    keyValueHeads: G,
    headSize: d,
    power: p,
    slidingWindow: W,
    normalizer: 'sum',
    gate,
  } as const;
  return entry.make(settings, compute);
}

/** The case's inputs as leaves by the names of their gradients. What no kind shares is `own`. */
function inputsOf(backend: Backend, file: Safetensors, name: string, { N, G, d }: Case) {
  const leaves: Record<string, Variable> = {};
  for (const key of file.tensors.keys()) {
    if (!key.startsWith(`${name}.grad_`)) continue;
    const leaf = key.slice(`${name}.grad_`.length);
    leaves[leaf] = parameter(upload(backend, goldenTensor(file, `${name}.${leaf}`)!));
  }
  const { q, k, v, log_gate: scalar, log_gate_vector: vector, S0, ...rest } = leaves;
  const inputs: AttentionInputs = {
    ...{ q: q!, k: k!, v: v!, logGate: vector ?? scalar },
    phases: N === undefined ? undefined : fixedTheta(backend, d, N, G),
    own: vector && scalar ? { ...rest, logGate: scalar } : rest,
  };
  return { leaves, inputs, state: S0 && ({ S: S0 } satisfies State) };
}

type Results = Record<string, Tensor>;

function runForm(backend: Backend, file: Safetensors, name: string, golden: Case, recurrence: Recurrence): Results {
  const { leaves, inputs, state } = inputsOf(backend, file, name, golden);
  const tape = new Tape(backend);
  const finalState = file.tensors.has(`${name}.S`);
  const result = recurrence.sequence(tape, inputs, { state, finalState });
  const outputs: Record<string, Variable> = { y: result.y, ...(finalState && { S: result.state!.S }) };
  for (const variable of Object.values(outputs)) tape.keep(variable);
  tape.backward(
    Object.entries(outputs).map(([key, variable]) => [
      variable,
      upload(backend, goldenTensor(file, `${name}.d${key}`)!),
    ]),
  );
  return {
    ...Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value])),
    ...Object.fromEntries(Object.entries(leaves).map(([key, leaf]) => [`grad_${key}`, tape.gradientOrZero(leaf)])),
  };
}

/** Token by token, from the same initial state. */
async function runStream(
  backend: Backend,
  file: Safetensors,
  name: string,
  golden: Case,
  recurrence: Recurrence,
): Promise<Results> {
  const { B, T, H, G, d, e } = golden;
  const { inputs, state } = inputsOf(backend, file, name, golden);
  const gateWidth = inputs.logGate ? (inputs.logGate.value.shape[3] ?? 1) : 0;
  const shape = { B, G, d, e, phases: inputs.phases !== undefined, gateWidth };
  const initial = state && { shape: state.S.value.shape, data: (await state.S.value.read()) as Float64Array };
  const memory = recurrence.memory(backend, shape, initial && { position: 0, tensors: { S: initial } });
  const y = backend.empty([B, T, H, e]);
  for (let t = 0; t < T; t++) {
    backend.scope(() => {
      const tape = new Tape(backend, { record: false });
      const token = (x: Variable) => constant(sliceRows(tape, x, t, 1).value);
      const own = Object.entries(inputs.own ?? {}).map(
        ([key, x]) => [key, x.value.shape.length > 2 ? token(x) : x] as const,
      );
      const { q, k, v, logGate } = inputs;
      const step = {
        ...{ q: token(q), k: token(k), v: token(v), logGate: logGate && token(logGate), phases: inputs.phases },
        own: Object.fromEntries(own),
      };
      backend.kernels.copyBlock({ x: recurrence.stream(tape, step, memory).value, to: t, count: 1, y });
    });
  }
  const { S } = (await memory.save()).tensors;
  memory.dispose();
  return { y, ...(file.tensors.has(`${name}.S`) && S && { S: backend.upload(S.data, S.shape) }) };
}

async function judge(
  backend: Backend,
  file: Safetensors,
  name: string,
  way: string,
  results: Results,
): Promise<Quantity[]> {
  return Promise.all(
    Object.entries(results).map(async ([quantity, tensor]) => ({
      name: `${name}.${way}.${quantity}`,
      error: await errorOf(tensor, goldenTensor(file, `${name}.${quantity}`)!),
      limit: limit(backend, way, quantity),
    })),
  );
}
