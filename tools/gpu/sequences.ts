// Chunked power attention over long sequences: how fast, and how far off what is computed by default.
import { parameter, Tape } from '@sympow/autograd';
import type { WebGpuBackend } from '@sympow/backend-webgpu';
import { powerRecurrence } from '@sympow/recurrence';
import { expectClose } from '../bench/src/check';
import { powerAttentionRows } from '../bench/src/definition';
import { logGates } from '../bench/src/numbers';
import { normals, off, type Subject } from './subject';

const power = 2;

interface Sizes {
  readonly T: number;
  readonly H: number;
  readonly d: number;
}

type Numbers = Readonly<Record<'q' | 'k' | 'v' | 'logGate', Float32Array>>;

function numbersOf({ T, H, d }: Sizes): Numbers {
  const size = T * H * d;
  return { q: normals('q', size), k: normals('k', size), v: normals('v', size), logGate: logGates('gates', T * H) };
}

/** A sequence on a backend, ready to be passed over. */
export function sequence(backend: WebGpuBackend, sizes: Sizes, numbers = numbersOf(sizes)) {
  const { T, H, d } = sizes;
  const leaf = (data: Float32Array, ...shape: number[]) => parameter(backend.upload(data, shape));
  const inputs = {
    q: leaf(numbers.q, 1, T, H, d),
    k: leaf(numbers.k, 1, T, H, d),
    v: leaf(numbers.v, 1, T, H, d),
    logGate: leaf(numbers.logGate, 1, T, H),
  };
  const dy = backend.upload(normals('dy', T * H * d), [1, T, H, d]);
  const recurrence = powerRecurrence({ power, form: 'chunked' });
  const pass = (backward: boolean) => {
    const tape = new Tape(backend, { record: backward });
    const { y } = recurrence.sequence(tape, inputs, { finalState: false });
    if (backward) {
      tape.keep(y);
      tape.backward([[y, dy]]);
    }
    return { tape, y };
  };
  return { inputs, pass };
}

/** Some rows of one head, beside the definition. */
async function expectRight(backend: WebGpuBackend, sizes: Sizes): Promise<void> {
  const { T, H, d } = sizes;
  const numbers = numbersOf(sizes);
  const { pass } = sequence(backend, sizes, numbers);
  const y = backend.scope((keep) => keep(pass(false).y.value));
  const all = await y.read();
  y.dispose();
  const head = H - 1;
  const of = (x: ArrayLike<number>) => ({
    data: Float64Array.from({ length: T * d }, (_, i) => x[(Math.floor(i / d) * H + head) * d + (i % d)]!),
    width: d,
  });
  const rows = [0, 1, Math.min(63, T - 1), Math.floor(T / 3), T - 1];
  const expected = powerAttentionRows(
    {
      ...{ q: of(numbers.q), k: of(numbers.k), v: of(numbers.v), power },
      logGate: Float64Array.from({ length: T }, (_, t) => numbers.logGate[t * H + head]!),
    },
    rows,
  );
  const ours = Float64Array.from(expected, (_, i) => all[(rows[Math.floor(i / d)]! * H + head) * d + (i % d)]!);
  expectClose(`attention over ${T} tokens`, ours, expected, 1e-2);
}

/** Milliseconds forward, and forward and backward. */
export async function attention(subject: Subject): Promise<void> {
  for (const [i, T] of (subject.tiny ? [128] : [16384, 65536]).entries()) {
    const sizes = subject.tiny ? { T, H: 2, d: 8 } : { T, H: 12, d: 64 };
    const backend = await subject.open();
    if (i === 0) await expectRight(backend, sizes);
    const { pass } = sequence(backend, sizes);
    for (const backward of [false, true]) {
      if (subject.left() < 3) return;
      const ms = await subject.time(backend, () => backend.scope(() => void pass(backward)), { least: 60 });
      subject.say(`attention T=${T} ${backward ? 'forward and backward' : 'forward'}`, {
        ms,
        nsPerToken: (1e6 * ms) / T,
      });
    }
    await backend.close();
  }
}

const kinds = ['ordinary', 'large norms', 'gates near 0 and 1', 'one huge token'] as const;

function hard(kind: (typeof kinds)[number], sizes: Sizes): Numbers {
  const { T, H, d } = sizes;
  const numbers = numbersOf(sizes);
  const { q, k, v, logGate } = numbers;
  if (kind === 'large norms') for (const x of [q, k]) x.forEach((value, i) => (x[i] = 30 * value));
  if (kind === 'gates near 0 and 1') logGate.forEach((_, i) => (logGate[i] = i % 97 === 0 ? -40 : -1e-7));
  if (kind === 'one huge token') {
    const start = Math.floor(T / 2) * H * d;
    for (const x of [q, k, v]) for (let i = start; i < start + H * d; i++) x[i]! *= 1000;
  }
  return numbers;
}

/** How far the answer and each gradient are off those of float32 with indexes checked, on the same device. */
export async function errors(subject: Subject): Promise<void> {
  const sizes = subject.tiny ? { T: 64, H: 2, d: 8 } : { T: 4096, H: 4, d: 64 };
  const both = [await subject.openPlain(), await subject.open()];
  for (const kind of kinds) {
    if (subject.left() < 3) return;
    const [expected, actual] = await Promise.all(
      both.map(async (backend) => {
        const { inputs, pass } = sequence(backend, sizes, hard(kind, sizes));
        const { tape, y } = pass(true);
        const rows = new Map<string, ArrayLike<number>>([['y', await y.value.read()]]);
        for (const [name, input] of Object.entries(inputs))
          rows.set(`d${name}`, await tape.gradientOrZero(input).read());
        return rows;
      }),
    );
    subject.say(
      kind,
      Object.fromEntries([...expected!].map(([name, numbers]) => [name, off(actual!.get(name)!, numbers)])),
    );
  }
}
