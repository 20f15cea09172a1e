// Inside a model while it reads a short text: gates, phases, and how much of each past token reaches the answer at every token.

import { Tape, type Variable } from '@sympow/autograd';
import type { Tokenizer } from '@sympow/data';
import type { Tensor } from '@sympow/kernels';
import { kindsOfLayers, Model, modelConfig } from '@sympow/model';
import { turn, type AttentionInputs, type AttentionKind } from '@sympow/recurrence';
import type { LayerInside, LookEvent } from './messages';

/** Tokens that a screen shows. */
export const mostTokens = 240;

/** What a layer read and answered, turned by its phases. */
export interface LayerNumbers {
  readonly kind: string;
  /** T, H, G, d and the power. */
  readonly sizes: {
    readonly T: number;
    readonly H: number;
    readonly G: number;
    readonly d: number;
    readonly power: number;
  };
  /** [T, H, d], [T, G, d], [T, G, d], [T, H, d] */
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly y: Float64Array;
  /** log γ and β [T, G], where a layer has one for each head. */
  readonly logGate: Float64Array | undefined;
  readonly beta: Float64Array | undefined;
  readonly turns: boolean;
}

/** Looks at the first tokens of a text. @throws ConfigError, OutOfMemoryError */
export async function lookInside(model: Model, tokenizer: Tokenizer, text: string): Promise<LookEvent> {
  const ids = tokenizer.encode(text).slice(0, mostTokens);
  if (ids.length === 0) throw new Error('There is no text to look at. Type some.');
  const layers = await numbersOf(model, ids);
  return {
    type: 'look',
    tokens: Array.from(ids, (id) => tokenizer.decode([id])),
    layers: layers.map((numbers): LayerInside => {
      const { kind, sizes, logGate } = numbers;
      return {
        ...{ kind, heads: sizes.H, keyValueHeads: sizes.G },
        gates: logGate && Float32Array.from(logGate, Math.exp),
        phases: phasesOf(numbers),
        shares: sharesOf(numbers),
      };
    }),
  };
}

/** Runs the model once over the tokens, as one sequence, and takes down what its layers read and answer. */
export async function numbersOf(model: Model, ids: ArrayLike<number>): Promise<LayerNumbers[]> {
  const { backend, config } = model;
  const notes: Note[] = [];
  const attention = kindsOfLayers(config).map((kind) => watched(kind, (note) => notes.push(note)));
  const weights = new Map<string, ArrayLike<number>>();
  for (const [name, { value }] of model.parameters) weights.set(name, await value.read());
  const copy = Model.fromWeights(backend, modelConfig({ ...config, attention }), weights, model.compute);
  try {
    backend.scope(() => {
      const tape = new Tape(backend, { record: false });
      copy.forward(tape, backend.upload(Int32Array.from(ids), [1, ids.length]), { lastOnly: true });
    });
    return await Promise.all(
      notes.map(async ({ kind, tensors, turns, beta, logGate }): Promise<LayerNumbers> => {
        const [, T, H, d] = tensors.q.shape as [number, number, number, number];
        const G = tensors.k.shape[2] as number;
        const read = async (tensor: Tensor) => Float64Array.from(await tensor.read());
        const [q, k, v, y] = await Promise.all([tensors.q, tensors.k, tensors.v, tensors.y].map(read));
        const perHead = async (tensor: Tensor | undefined) => (tensor?.size === T * G ? read(tensor) : undefined);
        return {
          ...{ kind, turns, sizes: { T, H, G, d, power: config.power }, q: q!, k: k!, v: v!, y: y! },
          ...{ logGate: await perHead(logGate), beta: await perHead(beta) },
        };
      }),
    );
  } finally {
    for (const { tensors, beta, logGate } of notes) {
      for (const tensor of [...Object.values(tensors), beta, logGate]) tensor?.dispose();
    }
    copy.dispose();
  }
}

/** Copies of what a layer read and answered. */
interface Note {
  readonly kind: string;
  readonly turns: boolean;
  readonly tensors: Readonly<Record<'q' | 'k' | 'v' | 'y', Tensor>>;
  readonly logGate: Tensor | undefined;
  readonly beta: Tensor | undefined;
}

/** A kind that attends as before, and tells. */
function watched(kind: AttentionKind, take: (note: Note) => void): AttentionKind {
  return {
    ...kind,
    make(settings, compute) {
      const recurrence = kind.make(settings, compute);
      const sequence: typeof recurrence.sequence = (tape, inputs, options) => {
        const result = recurrence.sequence(tape, inputs, options);
        take(noteOf(kind.name, tape, inputs, result.y));
        return result;
      };
      return Object.create(recurrence, { sequence: { value: sequence } }) as typeof recurrence;
    },
  };
}

function noteOf(kind: string, tape: Tape, inputs: AttentionInputs, y: Variable): Note {
  const copy = ({ value }: Variable) => {
    const tensor = tape.backend.detach(tape.backend.empty(value.shape));
    tape.kernels.cast({ x: value, y: tensor });
    return tensor;
  };
  const { q, k } = turn(tape, inputs.q, inputs.k, inputs.phases, undefined);
  return {
    ...{ kind, turns: inputs.phases !== undefined },
    tensors: { q: copy(q), k: copy(k), v: copy(inputs.v), y: copy(y) },
    logGate: inputs.logGate && copy(inputs.logGate),
    beta: inputs.phases?.beta && copy(inputs.phases.beta),
  };
}

/** Σβ up to each token [T, G]; nothing without phases. */
function phasesOf({ sizes: { T, G }, beta, turns }: LayerNumbers): Float32Array | undefined {
  if (!turns) return undefined;
  const sums = new Float64Array(G);
  return Float32Array.from({ length: T * G }, (_, i) => (sums[i % G]! += beta ? beta[i]! : 1));
}

/** The share of token j in the answer at token n [H, T, T], j ≤ n; nothing for kinds whose answers are no such sums. */
export function sharesOf({ kind, sizes, q, k, logGate }: LayerNumbers): Float32Array | undefined {
  const { T, H, G, d, power } = sizes;
  if (kind !== 'power' && kind !== 'softmax') return undefined;
  const shares = new Float32Array(H * T * T);
  const row = new Float64Array(T);
  for (let h = 0; h < H; h++) {
    const g = Math.floor((h * G) / H);
    for (let n = 0; n < T; n++) {
      let [decay, most] = [0, -Infinity];
      for (let j = n; j >= 0; j--) {
        let product = 0;
        for (let i = 0; i < d; i++) product += q[(n * H + h) * d + i]! * k[(j * G + g) * d + i]!;
        row[j] = decay + (kind === 'power' ? power * Math.log(Math.abs(product)) : product / Math.sqrt(d));
        most = Math.max(most, row[j]!);
        decay += logGate?.[j * G + g] ?? 0;
      }
      if (most === -Infinity) continue;
      let sum = 0;
      for (let j = 0; j <= n; j++) sum += row[j] = Math.exp(row[j]! - most);
      for (let j = 0; j <= n; j++) shares[(h * T + n) * T + j] = row[j]! / sum;
    }
  }
  return shares;
}
