// The types of this package: what is handed in, and what comes out.
import type { StoredDType } from './dtypes';

/** How much is believed of a file from outside. */
export interface SafetensorsReadOptions {
  /** Longest header, 100 MB unless said otherwise (the limit of the reference implementation). */
  maxHeaderBytes?: number;
  /** Most tensors, 100,000 unless said otherwise. */
  maxTensors?: number;
  /** What the messages call the file. */
  source?: string;
}

/** Where a tensor lies in a file. */
export interface SafetensorsEntry extends TensorType {
  /** First byte, counted from the beginning of the file. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

/** What the head of a file says. */
export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  /** In the order of the file. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** How long the file must be. */
  readonly fileBytes: number;
}

/** A file to be written, chunk by chunk. Chunks may be views of the tensors that were handed in. */
export interface EncodedSafetensors extends Iterable<Uint8Array> {
  /** Bytes of all chunks together. */
  readonly byteLength: number;
}

/** What a file begins with, and what has to follow. */
export interface SafetensorsLayout {
  readonly head: Uint8Array;
  /** The order in which the bytes of the tensors follow the head. */
  readonly names: readonly string[];
  /** How long the file will be. */
  readonly byteLength: number;
}

/** What a tensor is, without its elements. */
export interface TensorType {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
}

/** Arrays that hold the elements of some stored type as they are. */
export type StorableArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** A tensor to be written. */
export interface TensorToStore {
  readonly shape: readonly number[];
  /**
   * The elements. A Uint8Array for another type, or a Uint16Array for F16 and BF16, is taken as the bits themselves; floats
   * are rounded to the float type asked for (to those below 32 bits by way of float32, ties to even), and an Int32Array
   * may become I64.
   */
  readonly data: StorableArray;
  /** Type in the file; that of `data` unless said otherwise. */
  readonly dtype?: StoredDType;
}
