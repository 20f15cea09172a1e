/** The three forms of the power recurrence over the length of a sequence, and whether `auto` takes the fastest. */

import { parameter, Tape, type Variable } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import type { Backend, Tensor } from '@sympow/kernels';
import { chooseForm, defaultChunk, flopsOf, powerRecurrence, type Form, type FormSizes } from '@sympow/recurrence';
import type { Benchmark } from '../benchmark';
import { expectClose, expectSlope } from '../check';
import { powerAttentionRows } from '../definition';
import { heat, race, type Side } from '../measure';
import { squareProduct } from '../squareProduct';
import { logGates, normals } from '../numbers';

const [power, d, e] = [2, 32, 32];
const D = embeddedSize(d, power);

type Direction = 'forward' | 'forward+backward';

export const attention: Benchmark = {
  name: 'attention',
  summary: `attention, chunked and recurrent over T (p=${power}, d=${d}, gated, one head)`,
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const C = defaultChunk(D);
    const sizesOf = (T: number): FormSizes => ({ T, C, d, e, D, initialState: false, finalState: false });
    const chosen = (T: number) => chooseForm('auto', sizesOf(T)) as 'attention' | 'chunked';
    const product = squareProduct(backend, quick ? 256 : 512);
    const chunkedWins: Record<Direction, number[]> = { forward: [], 'forward+backward': [] };
    const first = new Trial(backend, 512);
    const every: readonly Form[] = ['attention', 'chunked', 'recurrent'];
    await heat(
      every.map((form) => first.side(form, 'forward+backward')),
      pace,
    );
    first.dispose();
    for (const T of quick ? [64, 512, 2048] : [64, 256, 512, 1024, 2048, 4096]) {
      const auto = chosen(T);
      const other = auto === 'attention' ? 'chunked' : 'attention';
      for (const direction of ['forward', 'forward+backward'] as const) {
        const forms: Form[] = [auto, other];
        // Going back, the recurrent form holds one state per token.
        if (T <= (quick ? 64 : direction === 'forward' ? Infinity : 1024)) forms.push('recurrent');
        const trial = new Trial(backend, T);
        for (const form of forms) await trial.check(form, direction);
        const sides: Record<string, Side> = { [product.name]: product.side };
        for (const form of forms) sides[form] = trial.side(form, direction);
        const seconds = await race(sides, { ...pace, budget: pace.budget / 2 });
        trial.dispose();

        // Up to a chunk, both are the same computation.
        if (T > C && seconds.chunked! < seconds.attention!) chunkedWins[direction].push(T);
        const verdict = T <= C ? 'one chunk' : seconds[auto]! <= seconds[other]! ? 'the faster one' : 'the slower one';
        say(`T=${T} ${direction}: auto takes ${auto}, ${verdict}`);
        const shape = `T=${T} ${direction}, auto is ${auto}`;
        for (const peer of forms.slice(1)) {
          yield { shape, ours: 1e3 * seconds[auto]!, peer: 1e3 * seconds[peer]!, peerName: peer, unit: 'ms' };
        }
        // A backward pass counts as two forward ones.
        const flops = flopsOf(auto, sizesOf(T)) * (direction === 'forward' ? 1 : 3);
        const gflops = { ours: flops / seconds[auto]! / 1e9, peer: product.flops / seconds[product.name]! / 1e9 };
        yield { shape, ...gflops, peerName: product.name, unit: 'GFLOP/s' };
      }
    }
    product.dispose();
    let change = 1;
    while (chosen(change) === 'attention') change++;
    for (const [direction, wins] of Object.entries(chunkedWins)) {
      say(
        `${direction}: auto takes chunked from T=${change} on; of those measured it was faster at ${wins.join(', ')}`,
      );
    }
  },
};

/** One sequence in every form. The gradient that comes in is 0 but for the rows that the definition checks. */
class Trial {
  private readonly inputs: Readonly<Record<'q' | 'k' | 'v' | 'logGate', Variable>>;
  private readonly dy: Tensor;
  private readonly rows: readonly number[];

  constructor(
    private readonly backend: Backend,
    private readonly T: number,
  ) {
    const leaf = (data: Float32Array, shape: number[]) => parameter(backend.upload(data, shape));
    this.inputs = {
      q: leaf(normals('q', T * d), [1, T, 1, d]),
      k: leaf(normals('k', T * d), [1, T, 1, d]),
      v: leaf(normals('v', T * e), [1, T, 1, e]),
      logGate: leaf(logGates('gates', T), [1, T, 1]),
    };
    this.rows = Array.from({ length: 16 }, (_, i) => Math.round(((T - 1) * i) / 15));
    const dy = new Float32Array(T * e);
    const random = normals('dy', 16 * e);
    this.rows.forEach((t, i) => dy.set(random.subarray(i * e, (i + 1) * e), t * e));
    this.dy = backend.upload(dy, [1, T, 1, e]);
  }

  side(form: Form, direction: Direction): Side {
    const run = () => this.backend.scope(() => void this.pass(form, direction));
    return { run, settle: () => this.backend.finish() };
  }

  private pass(form: Form, direction: Direction): { tape: Tape; y: Variable } {
    const tape = new Tape(this.backend, { record: direction !== 'forward' });
    const { y } = powerRecurrence({ power, form }).sequence(tape, this.inputs, { finalState: false });
    if (direction !== 'forward') {
      tape.keep(y);
      tape.backward([[y, this.dy]]);
    }
    return { tape, y };
  }

  /** @throws WrongResult unless outputs and gradients are those of the definition */
  async check(form: Form, direction: Direction): Promise<void> {
    const what = `the ${form} form for T=${this.T}`;
    // Step by step float32 loses a digit, specification §6.
    const slack = form === 'recurrent' ? 10 : 1;
    const values = await Promise.all(Object.values(this.inputs).map(({ value }) => value.read()));
    const { y, gradients } = this.backend.scope((keep) => {
      const pass = this.pass(form, direction);
      const leaves = direction === 'forward' ? [] : Object.values(this.inputs);
      return { y: keep(pass.y.value), gradients: leaves.map((leaf) => keep(pass.tape.gradientOrZero(leaf))) };
    });
    expectClose(what, this.picked(await y.read()), this.definition(values), 1e-4 * slack);
    y.dispose();
    if (gradients.length === 0) return;
    const dy = this.picked(await this.dy.read());
    const slopes = await Promise.all(
      gradients.map(async (gradient, i) => ({
        value: values[i]!,
        gradient: await gradient.read(),
        direction: normals(`direction ${i}`, gradient.size, i === 3 ? 0.01 : 1),
      })),
    );
    for (const gradient of gradients) gradient.dispose();
    expectSlope(
      what,
      (moved) => this.definition(moved).reduce((sum, x, i) => sum + x * dy[i]!, 0),
      slopes,
      1e-3 * slack,
    );
  }

  private definition([q, k, v, logGate]: readonly ArrayLike<number>[]): Float64Array {
    const sequence = {
      q: { data: q!, width: d },
      k: { data: k!, width: d },
      v: { data: v!, width: e },
      logGate: logGate!,
      power,
    };
    return powerAttentionRows(sequence, this.rows);
  }

  /** The rows that are checked. */
  private picked(y: ArrayLike<number>): Float64Array {
    return Float64Array.from(
      { length: this.rows.length * e },
      (_, i) => y[this.rows[Math.floor(i / e)]! * e + (i % e)]!,
    );
  }

  dispose(): void {
    for (const { value } of Object.values(this.inputs)) value.dispose();
    this.dy.dispose();
  }
}
