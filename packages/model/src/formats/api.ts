/** What a checkpoint of somebody else is, and how it becomes a model. */

import type { Shape, TypedArray } from '@sympow/kernels';
import type { ModelConfig, ModelOptions } from '../api';

/** `config.json` as an object. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** Where a weight stands in the files, and what becomes of its elements on the way. */
export interface Origin {
  /** Its name there. */
  readonly name: string;
  /** Its shape there; absent: the same as here. */
  readonly shape?: Shape;
  /** From the elements there, row by row, to those here; absent: as they are. */
  readonly map?: (values: TypedArray, shape: Shape) => TypedArray;
}

/** A checkpoint format: one file says all about it, and a line of `formats/index.ts` loads it when a checkpoint is of it. */
export interface CheckpointFormat {
  /** `model_type` of its `config.json`. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly says: string;
  /**
   * The settings of the model that it describes.
   *
   * @throws ConfigError that names a setting which cannot be had here, and says why
   */
  config(json: ConfigJson): ModelOptions;
  /** Where a weight of the model stands. Absent: under its own name, as it is. */
  origin?(config: ModelConfig, name: string): Origin;
  /** Tensors in its files that are no weights. */
  readonly ignores?: RegExp;
}
