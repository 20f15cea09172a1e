// The recurrence on arrays of your own: all at once, in two pieces, and as a stream that is put away and taken up again.
import { constant, Tape } from '@sympow/autograd';
import { js, Random } from '@sympow/kernels';
import { powerRecurrence } from '@sympow/recurrence';

const backend = await js().open();
const recurrence = powerRecurrence({ power: 2 });

// One sequence of 300 tokens, 2 heads of size 8: queries, keys, values, and gates by which the state forgets.
const [B, T, H, d] = [1, 300, 2, 8];
const random = new Random(7, 'arrays of your own');
const noise = (): Float32Array => random.fillNormal(new Float32Array(B * T * H * d));
const arrays = { q: noise(), k: noise(), v: noise(), logGate: new Float32Array(B * T * H).fill(Math.log(0.98)) };

/** Tokens `from` to `to` of the arrays, on the device. B is 1, so they are one run of numbers. */
function tokens(from: number, to: number) {
  const part = (data: Float32Array, ...sizes: number[]) => {
    const row = sizes.reduce((a, b) => a * b);
    return constant(backend.upload(data.subarray(from * row, to * row), [B, to - from, ...sizes]));
  };
  const { q, k, v, logGate } = arrays;
  return { q: part(q, H, d), k: part(k, H, d), v: part(v, H, d), logGate: part(logGate, H) };
}
const close = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((x, i) => Math.abs(x - b[i]!) < 1e-4);

// All at once. The state is what a later token needs of these 300.
const whole = recurrence.sequence(new Tape(backend), tokens(0, T));
const y = await whole.y.value.read();
console.log(whole.y.value.shape, whole.state?.S.value.shape); // [1, 300, 2, 8] [1, 2, 36, 8]

// In two pieces, the second from the state of the first; gradients would pass through it.
const tape = new Tape(backend);
const first = recurrence.sequence(tape, tokens(0, 100));
const second = recurrence.sequence(tape, tokens(100, T), { state: first.state });
console.log(close(await second.y.value.read(), y.subarray(100 * H * d))); // true

// As a stream, in memory that does not grow; put away after 200 tokens, and gone on with.
const shape = { B, G: H, d, e: d, phases: false, gateWidth: 1 };
const reading = new Tape(backend, { record: false });
const memory = recurrence.memory(backend, shape);
recurrence.stream(reading, tokens(0, 200), memory);
const saved = await memory.save(); // arrays with their shapes
console.log(saved.position, saved.tensors.S?.shape); // 200 [1, 2, 36, 8]
const later = recurrence.memory(backend, shape, saved);
const rest = recurrence.stream(reading, tokens(200, T), later);
console.log(close(await rest.value.read(), y.subarray(200 * H * d))); // true
await backend.close();
