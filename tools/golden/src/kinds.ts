// Cases of the other kinds of attention, by the names of their entries: in every form, with final states and every gradient, and as
// a stream of tokens.
import { parameter, Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Backend } from '@sympow/kernels';
import {
  fixedTheta,
  gates,
  kinds,
  type AttentionInputs,
  type Form,
  type Memory,
  type MemoryShape,
  type Recurrence,
  type State,
} from '@sympow/recurrence';
import type { Safetensors } from '@sympow/safetensors';
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
  readonly kind: string;
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
  const cases = Object.entries(file.metadata).map(([name, json]) => {
    const golden = JSON.parse(json) as Case;
    const make = (compute = {}) => recurrenceOf(golden, file.tensors.has(`${name}.log_gate_vector`), compute);
    const forms = ways.map(({ name: way, ...compute }) => ({
      way,
      run: () => runForm(backend, file, name, golden, make(compute)),
    }));
    const [recurrence, shape] = [make(), memoryShape(file, name, golden)];
    const S0 = goldenTensor(file, `${name}.S0`);
    const memory = () => recurrence.memory(backend, shape, S0 && { position: 0, tensors: { S: S0 } });
    const stream = (into: Memory) => runStream(backend, file, name, golden, recurrence, into);
    return { name, forms, memory, stream };
  });
  await compileAhead(backend, () => {
    for (const { forms, memory, stream } of cases) {
      for (const { run } of forms) run();
      const empty = memory();
      stream(empty);
      empty.dispose();
    }
  });
  const quantities: Quantity[] = [];
  for (const { name, forms, memory, stream } of cases) {
    const add = async (way: string, results: Results) => {
      quantities.push(...(await judge(file, name, way, results, (quantity) => limit(backend, way, quantity))));
      for (const tensor of Object.values(results)) tensor.dispose();
    };
    for (const { way, run } of forms) await add(way, resultsOf(backend, run));
    const own = memory();
    const results = resultsOf(backend, () => stream(own));
    const { S } = (await own.save()).tensors;
    own.dispose();
    await add('decode', file.tensors.has(`${name}.S`) && S ? { ...results, S: upload(backend, S) } : results);
  }
  return quantities;
}

function memoryShape(file: Safetensors, name: string, { B, G, d, e, N }: Case): MemoryShape {
  const gateWidth = file.tensors.has(`${name}.log_gate_vector`) ? d : file.tensors.has(`${name}.log_gate`) ? 1 : 0;
  return { B, G, d, e, phases: N !== undefined, gateWidth };
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

function runForm(backend: Backend, file: Safetensors, name: string, golden: Case, recurrence: Recurrence): Results {
  const { leaves, inputs, state } = inputsOf(backend, file, name, golden);
  const tape = new Tape(backend);
  const finalState = file.tensors.has(`${name}.S`);
  const result = recurrence.sequence(tape, inputs, { state, finalState });
  const outputs: Record<string, Variable> = { y: result.y, ...(finalState && { S: result.state!.S }) };
  return withGradients(tape, file, name, outputs, leaves);
}

/** Token by token, from the same initial state. */
function runStream(
  backend: Backend,
  file: Safetensors,
  name: string,
  golden: Case,
  recurrence: Recurrence,
  memory: Memory,
): Results {
  const { inputs } = inputsOf(backend, file, name, golden);
  return { y: answersByToken(backend, golden, inputs, recurrence, memory) };
}
