// One kernel of your own in place of the backend's: a matrix product that takes four columns at a time.
import { Tape } from '@sympow/autograd';
import { js, withKernels, type Backend } from '@sympow/kernels';
import { Model, modelConfig } from '@sympow/model';

let calls = 0;
const factory = withKernels(js(), (inside) => ({
  matmul: {
    // y = a·bᵀ, as linear layers call it. Everything else goes to the kernel that was there.
    accepts: ({ b, transposeA, transposeB, accumulate, bias }) =>
      !!transposeB && !transposeA && !accumulate && !bias && b.shape.length === 2 && b.shape[0]! % 4 === 0,
    run({ a, b, y }) {
      calls++;
      const [x, w, out] = [a, b, y].map((tensor) => tensor.handle as Float32Array) as Triple;
      const [n, k] = b.shape as [number, number];
      for (let row = 0; row < y.size / n; row++) {
        for (let column = 0; column < n; column += 4) {
          let [s0, s1, s2, s3] = [0, 0, 0, 0];
          for (let i = 0, at = row * k, to = column * k; i < k; i++, at++, to++) {
            s0 += x[at]! * w[to]!;
            s1 += x[at]! * w[to + k]!;
            s2 += x[at]! * w[to + 2 * k]!;
            s3 += x[at]! * w[to + 3 * k]!;
          }
          out.set([s0, s1, s2, s3], row * n + column);
        }
      }
    },
  },
  // A kernel may also call those that were there.
  gelu: { body: (args) => inside.gelu(args) },
}));
type Triple = [Float32Array, Float32Array, Float32Array];

/** The logits of one model for 64 tokens. */
async function logitsOn(backend: Backend) {
  const shape = { vocabSize: 256, hiddenSize: 64, layers: 2, heads: 2, headSize: 32 };
  const model = Model.create(backend, modelConfig(shape), { seed: 1 });
  const tokens = backend.upload(
    Int32Array.from({ length: 64 }, (_, i) => (i * i) % 256),
    [1, 64],
  );
  const start = performance.now();
  const logits = await model.forward(new Tape(backend, { record: false }), tokens).value.read();
  return { logits, ms: performance.now() - start };
}

const theirs = await logitsOn(await js().open());
const mine = await logitsOn(await factory.open());
console.log(`${theirs.ms.toFixed()} ms with the kernel that was there, ${mine.ms.toFixed()} with mine`); // such as 40 ms
const agree = mine.logits.every((x, i) => Math.abs(x - theirs.logits[i]!) < 1e-5);
console.log(calls > 0, agree); // true true
