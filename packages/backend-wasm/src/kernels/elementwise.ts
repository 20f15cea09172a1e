/** Arithmetic, activations and copies. */

import { bytesPerElement, isHalf, toHalves, type Kernels, type Tensor } from '@sympow/kernels';
import { at, of, type Machine } from '../machine';

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Float32 holds all halves, so that what is rounded is rounded once. */
function throughFloats(x: Tensor, y: Tensor, cast: Kernels['cast']): void {
  const floats = x.backend.empty(x.shape);
  cast({ x, y: floats });
  cast({ x: floats, y });
  floats.dispose();
}

export function elementwise(machine: Machine) {
  const unary =
    (name: string) =>
    ({ x, y }: { x: Tensor; y: Tensor }) =>
      machine.run(name, y.size, 0, at(x), at(y));
  const unaryBackward =
    (name: string) =>
    ({ x, dy, dx }: { x: Tensor; dy: Tensor; dx: Tensor }) =>
      machine.run(name, dx.size, 0, at(x), at(dy), at(dx));
  const cast: Kernels['cast'] = ({ x, y }) => {
    if (x.dtype === y.dtype) machine.call('copy', at(y), at(x), y.size * bytesPerElement[y.dtype]);
    else if (x.dtype !== 'float32' && y.dtype !== 'float32') throughFloats(x, y, cast);
    else if (isHalf(x.dtype)) machine.run(of('from', x), y.size, 0, at(x), at(y));
    else if (isHalf(y.dtype)) machine.run(of('to', y), y.size, 0, at(x), at(y));
    else machine.call(y.dtype === 'int32' ? 'floatsToInts' : 'intsToFloats', y.size, at(x), at(y));
  };
  return {
    fill({ value, y }) {
      if (y.dtype === 'int32') bits[0] = value;
      else if (isHalf(y.dtype)) bits[0] = toHalves(y.dtype, [value])[0]! * 0x10001;
      else float[0] = value;
      // An odd half is written with what pads it.
      machine.run('fill', Math.ceil((y.size * bytesPerElement[y.dtype]) / 4), 0, at(y), bits[0]!);
    },
    cast,
    copyBlock({ x, from = 0, to = 0, count, y }) {
      const [batch, rows] = x.shape as [number, number];
      if (x.size === 0) return;
      const row = (x.size / (batch * rows)) * bytesPerElement[x.dtype];
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
