/** Rows times numbers of their own. */

import type { Tape, Variable } from '@sympow/autograd';
import type { Tensor } from '@sympow/kernels';

/** Every number of row r of x [rows…, …] times s[r]: s [rows…]. */
export function scaleRows(tape: Tape, x: Variable, s: Variable): Variable {
  const { backend, kernels } = tape;
  const rows = s.value.size;
  const width = x.value.shape.at(-1) ?? 1;
  const shape = [rows, x.value.size / (rows * width || 1), 1, width];
  const scaled = (from: Tensor, to: Tensor): void =>
    backend.scope(() => {
      const scale = backend.view(s.value, [rows, 1]);
      kernels.scaleHeads({ x: backend.view(from, shape), scale, times: 1, y: backend.view(to, shape) });
    });
  const y = tape.result(x.value.shape, [x, s], (out) => scaled(x.value, out));
  tape.record([y], () => {
    const dy = tape.gradientOrZero(y);
    if (s.requiresGradient) {
      const ds = tape.empty(s.value.shape);
      backend.scope(() => {
        const n = x.value.size / (rows || 1);
        const products = backend.empty([rows, n]);
        kernels.multiply({ a: backend.view(dy, [rows, n]), b: backend.view(x.value, [rows, n]), y: products });
        const ones = backend.empty([n, 1]);
        kernels.fill({ value: 1, y: ones });
        kernels.matmul({ a: products, b: ones, y: backend.view(ds, [rows, 1]) });
      });
      tape.give(s, ds);
    }
    if (!x.requiresGradient) return;
    const dx = tape.empty(x.value.shape);
    scaled(dy, dx);
    tape.give(x, dx);
  });
  return y;
}
