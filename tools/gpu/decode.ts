// Generation on a large GPU: one stream near the beginning of a text and far into it, and many streams together.
import { Tape } from '@sympow/autograd';
import type { WebGpuBackend } from '@sympow/backend-webgpu';
import { Batch, generate, Session } from '@sympow/inference';
import { js, type Backend, type Tensor } from '@sympow/kernels';
import { Model, type ModelConfig, type ModelMemory } from '@sympow/model';
import { expectClose } from '../bench/src/check';
import { median } from '../bench/src/measure';
import { normals } from '../bench/src/numbers';

/** What was measured. */
export interface DecodeRow {
  readonly shape: string;
  readonly figures: Readonly<Record<string, number>>;
}

const text = (position: number, count: number) =>
  Int32Array.from({ length: count }, (_, t) => ((position + t) * 31) % 256);

/** Measures a model on a backend of its own, after its tokens were compared with those of a whole sequence. */
export async function* decodeOn(
  backend: WebGpuBackend,
  config: ModelConfig,
  quick: boolean,
): AsyncGenerator<DecodeRow, void, undefined> {
  await expectBodies(backend);
  const model = Model.create(backend, config, { seed: 1 });
  yield {
    shape: 'logits of a stream beside those of the whole sequence',
    figures: { error: await expectWhole(model) },
  };
  yield* oneStream(model, quick ? [16, 64] : [128, 65536], quick ? 8 : 128, quick ? 1 : 9);
  yield await together(model, quick ? 4 : 64, quick ? 8 : 64, quick ? 1 : 5);
  model.dispose();
}

/** A step of so many streams, for a profile. */
export function oneStep(backend: WebGpuBackend, config: ModelConfig, rows: number): () => void {
  const model = Model.create(backend, config, { seed: 1 });
  const memory = model.memory(rows);
  const tokens = backend.upload(new Int32Array(rows).fill(1), [rows, 1], 'int32');
  const settings = backend.upload(
    Float32Array.from({ length: 4 * rows }, (_, i) => [1, Infinity, 1, 0][i % 4]!),
    [rows, 4],
  );
  const random = backend.upload(new Int32Array(6 * rows), [rows, 6], 'int32');
  const ids = backend.empty([rows], 'int32');
  const tape = new Tape(backend, { record: false });
  return () =>
    backend.scope(() => {
      const { value } = model.forward(tape, tokens, { memory, lastOnly: true });
      const logits = backend.view(value, [rows, config.vocabSize]);
      backend.kernels.sampleToken({ logits, settings, random, ids });
    });
}

/** Tokens/s of one stream at each position. Positions take turns, and none is always the first of a round. */
async function* oneStream(model: Model, positions: readonly number[], tokens: number, rounds: number) {
  const memories: ModelMemory[] = [];
  for (const position of positions) memories.push(await memoryAt(model, position));
  const burst = async (memory: ModelMemory) => {
    const start = performance.now();
    const stream = generate(model, { prompt: [32], maxTokens: tokens, session: new Session(model, memory), seed: 1 });
    while (!(await stream.next()).done);
    return (1e3 * tokens) / (performance.now() - start);
  };
  for (const memory of memories) await burst(memory);
  const speeds: number[][] = positions.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...memories.keys()];
    for (const i of round % 2 ? order.reverse() : order) speeds[i]!.push(await burst(memories[i]!));
  }
  for (const [i, position] of positions.entries()) {
    const speed = median(speeds[i]!);
    yield {
      shape: `one stream from position ${position}`,
      figures: {
        'tokens/s': speed,
        ms: 1e3 / speed,
        best: Math.max(...speeds[i]!),
        'of the first': speed / median(speeds[0]!),
      },
    };
  }
  for (const memory of memories) memory.dispose();
}

/** Tokens/s of streams that are read together. */
async function together(model: Model, rows: number, tokens: number, rounds: number): Promise<DecodeRow> {
  const batch = new Batch(model, { capacity: rows });
  for (let seed = 0; seed < rows; seed++) batch.join({ prompt: [seed], maxTokens: tokens * (rounds + 1), seed });
  const speeds: number[] = [];
  let [count, start] = [0, performance.now()];
  for await (const { type } of batch.run()) {
    if (type !== 'token' || ++count % (rows * tokens) > 0) continue;
    const now = performance.now();
    speeds.push((1e3 * rows * tokens) / (now - start));
    start = now;
  }
  batch.dispose();
  // The first round compiles and records.
  const speed = median(speeds.slice(1));
  return { shape: `${rows} streams together`, figures: { 'tokens/s': speed, 'ms a step': (1e3 * rows) / speed } };
}

async function memoryAt(model: Model, position: number): Promise<ModelMemory> {
  const { backend } = model;
  const memory = model.memory();
  while (memory.position < position) {
    const count = Math.min(2048, position - memory.position);
    backend.scope(() => {
      const tokens = backend.upload(text(memory.position, count), [1, count]);
      model.forward(new Tape(backend, { record: false }), tokens, { memory, lastOnly: true });
    });
    await backend.finish();
  }
  return memory;
}

/** How far the logits of the last of many single tokens are from those of the sequence read at once. */
async function expectWhole(model: Model): Promise<number> {
  const { backend } = model;
  const tokens = text(0, 70);
  const memory = model.memory();
  const tape = new Tape(backend, { record: false });
  const logits = (piece: Int32Array, own?: ModelMemory) =>
    backend.scope((keep) =>
      keep(model.forward(tape, backend.upload(piece, [1, piece.length]), { memory: own, lastOnly: true }).value),
    );
  const whole = logits(tokens);
  for (const token of tokens.subarray(0, -1)) logits(Int32Array.of(token), memory).dispose();
  const last = logits(tokens.subarray(-1), memory);
  const [ours, expected] = [Array.from(await last.read()), Array.from(await whole.read())];
  expectClose('logits of a stream', ours, expected, 1e-4);
  memory.dispose();
  last.dispose();
  whole.dispose();
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return ours.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0) / largest;
}

/** What every layer does to a token, in shapes of the model, beside its definition in doubles. */
async function expectBodies(backend: Backend): Promise<void> {
  const exact = await js({ float: 'float64' }).open();
  for (const rows of [1, 3, 4]) {
    const all = [backend, exact].map((own) => projections(own, rows));
    for (const [i, y] of all[0]!.entries())
      expectClose(`map ${i} of ${rows} rows`, await y.read(), await all[1]![i]!.read(), 1e-4);
  }
  const moved = [backend, exact].map((own) => nextTokens(own));
  for (const [i, y] of moved[0]!.entries())
    expectClose(`tensor ${i} of what is appended`, await y.read(), await moved[1]![i]!.read(), 1e-5);
  await exact.close();
}

/** Makes tensors of normals by name and shape. */
function filledOn(backend: Backend) {
  return (name: string, ...shape: number[]): Tensor => {
    const size = shape.reduce((a, b) => a * b);
    return backend.upload(normals(name, size), shape);
  };
}

function projections(backend: Backend, rows: number): Tensor[] {
  const [n, sizes] = [768, [768, 768, 768, 12, 12]];
  const of = filledOn(backend);
  const ys = sizes.map((m) => backend.empty([rows, m]));
  const weights = sizes.flatMap((m, i) => [[`weight${i}`, of(`w${i}`, m, n)] as const, [`y${i}`, ys[i]!] as const]);
  backend.kernels.normLinear({
    ...{ kind: 'rms', x: of('x', rows, n), normWeight: of('norm', n), eps: 1e-5 },
    ...Object.fromEntries(weights),
    ...{ bias3: of('bias', 12), activation1: 'gelu', activation3: 'logSigmoid', activation4: 'onePlusTanh' },
  });
  return ys;
}

function nextTokens(backend: Backend): Tensor[] {
  const [B, G, d, S] = [3, 12, 64, 5];
  const of = filledOn(backend);
  const phase = of('phase', 2, B, G, d / 2);
  const written = [
    backend.empty([B, 1, G, d]),
    of('keys', B, S, G, d),
    of('values', B, S, G, d),
    of('log', B, S, G),
    phase,
  ] as const;
  const [y, keys, values, logGates] = written;
  backend.kernels.rotaryAppend({
    ...{ q: of('q', B, 1, G, d), k: of('k', B, 1, G, d), v: of('v', B, 1, G, d), logGate: of('gate', B, 1, G) },
    ...{ beta: of('beta', B, 1, G), theta: of('theta', G, d / 2), thetaTail: undefined, resume: phase, last: phase },
    ...{ offset: backend.upload([0, 4, -1], [B], 'int32'), next: backend.empty([B], 'int32') },
    ...{ keys, values, logGates, y },
  });
  return [...written];
}
