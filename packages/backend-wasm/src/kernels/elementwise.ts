/** Arithmetic, activations and copies. */

import type { Kernels, Tensor } from '@sympow/kernels';
import { at, type Machine } from '../machine';

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const bytesPerElement = 4;

export function elementwise(machine: Machine) {
  const unary =
    (name: string) =>
    ({ x, y }: { x: Tensor; y: Tensor }) =>
      machine.run(name, y.size, 0, at(x), at(y));
  const unaryBackward =
    (name: string) =>
    ({ x, dy, dx }: { x: Tensor; dy: Tensor; dx: Tensor }) =>
      machine.run(name, dx.size, 0, at(x), at(dy), at(dx));
  return {
    fill({ value, y }) {
      if (y.dtype === 'int32') bits[0] = value;
      else float[0] = value;
      machine.run('fill', y.size, 0, at(y), bits[0]!);
    },
    cast({ x, y }) {
      if (x.dtype === y.dtype) machine.call('copy', at(y), at(x), y.size * bytesPerElement);
      else machine.call(y.dtype === 'int32' ? 'floatsToInts' : 'intsToFloats', y.size, at(x), at(y));
    },
    copyBlock({ x, from = 0, to = 0, count, y }) {
      const [batch, rows] = x.shape as [number, number];
      if (x.size === 0) return;
      const row = (x.size / (batch * rows)) * bytesPerElement;
      const [stepX, stepY] = [rows * row, (y.shape[1] as number) * row];
      machine.call('copyRuns', batch, at(y) + to * row, stepY, at(x) + from * row, stepX, count * row);
    },
    add({ a, b, scale = 1, y }) {
      machine.run('add', y.size, 0, at(a), at(b), scale, at(y));
    },
    multiply({ a, b, y }) {
      machine.run('multiply', y.size, 0, at(a), at(b), at(y));
    },
    gelu: unary('gelu'),
    geluBackward: unaryBackward('geluBackward'),
    logSigmoid: unary('logSigmoid'),
    logSigmoidBackward: unaryBackward('logSigmoidBackward'),
    onePlusTanh: unary('onePlusTanh'),
    onePlusTanhBackward: unaryBackward('onePlusTanhBackward'),
    swiglu({ gate, up, y }) {
      machine.run('swiglu', y.size, 0, at(gate), at(up), at(y));
    },
    swigluBackward({ gate, up, dy, dgate, dup }) {
      machine.run('swigluBackward', dy.size, 0, at(gate), at(up), at(dy), at(dgate), at(dup));
    },
    resetGates({ x, reset, y }) {
      if (x.size > 0) machine.call('resetGates', x.size, x.size / reset.size, at(x), at(reset), at(y));
    },
  } satisfies Partial<Kernels>;
}
