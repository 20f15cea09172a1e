/** Filling, moving, adding and multiplying: memory traffic, four numbers at a time. */

import { bytesPerElement, isHalf, toHalves, type CopyBlockArgs, type Kernels, type Tensor } from '@sympow/kernels';
import type { DeviceBuffer, Machine } from '../machine';

type Arithmetic = Pick<Kernels, 'fill' | 'cast' | 'copyBlock' | 'add' | 'multiply'>;

/** Vectors of four that hold `tensor`; buffers are whole vectors, so what is left over in the last one may be computed too. */
export function vectors(tensor: Tensor): number {
  return Math.ceil(tensor.size / 4);
}

/** Workgroups of 256 threads, one for each of `count` things. */
export function groupsOf256(count: number): number {
  return Math.ceil(count / 256);
}

export function same(a: Tensor, b: Tensor): boolean {
  return (a.handle as DeviceBuffer) === b.handle;
}

const number = new DataView(new ArrayBuffer(4));

function bitsOf(value: number, { dtype }: Tensor): number {
  if (isHalf(dtype)) return toHalves(dtype, [value])[0]! * 0x10001;
  if (dtype === 'int32') number.setInt32(0, value);
  else number.setFloat32(0, value);
  return number.getUint32(0);
}

export function arithmetic(machine: Machine): Arithmetic {
  const binary = (a: Tensor, b: Tensor, y: Tensor, scale: number, flags: readonly string[]) => {
    const size = vectors(y);
    machine.launch('binary', {
      flags,
      tensors: { a: same(a, y) ? undefined : a, b: same(b, y) ? undefined : b, y },
      params: { size, scale },
      groups: groupsOf256(size),
    });
  };
  const copyThroughFloats = ({ x, y, ...rows }: CopyBlockArgs) => {
    const { backend } = x;
    backend.scope(() => {
      const [from, to] = [backend.empty(x.shape), backend.empty(y.shape)];
      kernels.cast({ x, y: from });
      kernels.cast({ x: y, y: to });
      kernels.copyBlock({ x: from, y: to, ...rows });
      kernels.cast({ x: to, y });
    });
  };
  const kernels: Arithmetic = {
    fill({ value, y }) {
      const size = Math.ceil((y.size * bytesPerElement[y.dtype]) / 16);
      const params = { size, bits: bitsOf(value, y) };
      machine.launch('fill', { asBits: true, tensors: { y }, params, groups: groupsOf256(size) });
    },
    cast({ x, y }) {
      const size = vectors(y);
      const flags = [...(x.dtype === 'int32' ? ['from_integer'] : []), ...(y.dtype === 'int32' ? ['to_integer'] : [])];
      machine.launch('cast', { flags, tensors: { x, y }, params: { size }, groups: groupsOf256(size) });
    },
    copyBlock({ x, from = 0, to = 0, count, y }) {
      const [batch, rows] = x.shape as [number, number];
      // In words: rows of an odd number of halves share theirs.
      const row = (x.size * bytesPerElement[x.dtype]) / 4 / (batch * rows || 1);
      if (row % 1 !== 0) {
        copyThroughFloats({ x, from, to, count, y });
        return;
      }
      const width = row % 4 === 0 ? 4 : 1;
      const unit = row / width;
      const size = batch * count * unit;
      machine.launch('copy_block', {
        asBits: true,
        flags: width === 4 ? ['wide'] : [],
        tensors: { x, y },
        params: {
          size,
          block: count * unit,
          x_offset: from * unit,
          x_stride: rows * unit,
          y_offset: to * unit,
          y_stride: y.shape[1]! * unit,
        },
        groups: groupsOf256(size),
      });
    },
    add({ a, b, scale = 1, y }) {
      binary(a, b, y, scale, []);
    },
    multiply({ a, b, y }) {
      binary(a, b, y, 1, ['multiply']);
    },
  };
  return kernels;
}
