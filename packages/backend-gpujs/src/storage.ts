/** Where the numbers of a tensor are: on the host, in a texture, or in both. */

import type { DType } from '@sympow/kernels';
import type { Texture } from 'gpu.js';

export type Numbers = Float32Array | Int32Array;

/** Every whole number up to this is a float32. */
export const widest = 2 ** 24;

/** A tensor's handle. A kernel's result replaces what it holds; views share it. */
export class Storage {
  private numbers: Numbers | undefined;
  private held: Texture | undefined;
  dtype: DType = 'float32';
  size = 0;
  /** The first integer that the host wrote and a float32 cannot hold. */
  wide: number | undefined;

  /** Starts a new life for a tensor of this kind, its elements undefined. */
  begin(dtype: DType, size: number): this {
    this.clear();
    this.dtype = dtype;
    this.size = size;
    return this;
  }

  /** The numbers, where the host has them. */
  get host(): Numbers | undefined {
    return this.numbers;
  }

  get texture(): Texture | undefined {
    return this.held;
  }

  /** Takes numbers over, not a copy of them. */
  put(numbers: Numbers): void {
    this.clear();
    this.numbers = numbers;
    if (numbers instanceof Int32Array) this.wide = numbers.find((x) => x > widest || x < -widest);
  }

  /** Takes a texture over; with `copy`, one that holds what the host has as well. */
  putTexture(texture: Texture, copy = false): void {
    if (!copy) this.clear();
    this.held = texture;
  }

  clear(): void {
    this.numbers = undefined;
    this.wide = undefined;
    this.held?.delete();
    this.held = undefined;
  }
}
