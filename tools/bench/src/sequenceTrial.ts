/** One sequence of one head through the power recurrence, gated: what is timed, and its check. */

import { parameter, Tape, type Variable } from '@sympow/autograd';
import type { Backend, Tensor } from '@sympow/kernels';
import { powerRecurrence, type Form } from '@sympow/recurrence';
import { expectClose, expectSlope } from './check';
import { powerAttentionRows } from './definition';
import type { Side } from './measure';
import { logGates, normals } from './numbers';

export const directions = ['forward', 'forward+backward'] as const;
export type Direction = (typeof directions)[number];

/** What a direction costs in forward passes: a backward one counts as two. */
export const passes: Readonly<Record<Direction, number>> = { forward: 1, 'forward+backward': 3 };

/** Values are as wide as keys. */
export interface SequenceSizes {
  readonly T: number;
  readonly d: number;
  readonly power: number;
}

/** One sequence in every form. The gradient that comes in is 0 but for the rows that the definition checks. */
export class SequenceTrial {
  private readonly inputs: Readonly<Record<'q' | 'k' | 'v' | 'logGate', Variable>>;
  private readonly dy: Tensor;
  private readonly rows: readonly number[];

  constructor(
    private readonly backend: Backend,
    private readonly sizes: SequenceSizes,
  ) {
    const { T, d } = sizes;
    const leaf = (data: Float32Array, shape: number[]) => parameter(backend.upload(data, shape));
    this.inputs = {
      q: leaf(normals('q', T * d), [1, T, 1, d]),
      k: leaf(normals('k', T * d), [1, T, 1, d]),
      v: leaf(normals('v', T * d), [1, T, 1, d]),
      logGate: leaf(logGates('gates', T), [1, T, 1]),
    };
    this.rows = Array.from({ length: 16 }, (_, i) => Math.round(((T - 1) * i) / 15));
    const dy = new Float32Array(T * d);
    const random = normals('dy', 16 * d);
    this.rows.forEach((t, i) => dy.set(random.subarray(i * d, (i + 1) * d), t * d));
    this.dy = backend.upload(dy, [1, T, 1, d]);
  }

  side(form: Form, direction: Direction): Side {
    const run = () => this.backend.scope(() => void this.pass(form, direction));
    return { run, settle: () => this.backend.finish() };
  }

  private pass(form: Form, direction: Direction): { tape: Tape; y: Variable } {
    const tape = new Tape(this.backend, { record: direction !== 'forward' });
    const { y } = powerRecurrence({ power: this.sizes.power, form }).sequence(tape, this.inputs, { finalState: false });
    if (direction !== 'forward') {
      tape.keep(y);
      tape.backward([[y, this.dy]]);
    }
    return { tape, y };
  }

  /** @throws WrongResult unless outputs and gradients are those of the definition */
  async check(form: Form, direction: Direction): Promise<void> {
    const what = `the ${form} form for T=${this.sizes.T}, d=${this.sizes.d}`;
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
    const { d, power } = this.sizes;
    const sequence = {
      q: { data: q!, width: d },
      k: { data: k!, width: d },
      v: { data: v!, width: d },
      logGate: logGate!,
      power,
    };
    return powerAttentionRows(sequence, this.rows);
  }

  /** The rows that are checked. */
  private picked(y: ArrayLike<number>): Float64Array {
    const { d } = this.sizes;
    return Float64Array.from(
      { length: this.rows.length * d },
      (_, i) => y[this.rows[Math.floor(i / d)]! * d + (i % d)]!,
    );
  }

  dispose(): void {
    for (const { value } of Object.values(this.inputs)) value.dispose();
    this.dy.dispose();
  }
}
