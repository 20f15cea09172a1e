/** What is launched: one dispatch of one shader, on buffers of the device. */

import type { Tensor } from '@sympow/kernels';

/** A buffer of the device; the handle of every tensor in it. */
export interface DeviceBuffer {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  /** The last batch that uses it. */
  usedIn: number;
  /** Bind groups that hold it. */
  readonly groups: Set<string>;
}

/** One dispatch of one shader. */
export interface Launch {
  /** Files for the slots that the shader imports. */
  readonly imports?: Readonly<Record<string, string>>;
  /** Beyond the names of the tensors that are there and the features of the device. */
  readonly flags?: readonly string[];
  /** Values of the shader's overrides. Every combination is compiled anew: sizes that vary belong into `params`. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** By the names that the shader gives them; what is `undefined` is left out and its flag is off. */
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  /** Whether tensors are bits to the shader, whatever their type. */
  readonly asBits?: boolean;
  /** By the names of the fields of the shader's `Params`; a field `groups` is filled in. */
  readonly params?: Readonly<Record<string, number>>;
  /** Workgroups in all. They are folded where they are more than one dimension holds: see `grid.wgsl`. */
  readonly groups: number;
}
