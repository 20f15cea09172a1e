/** What a tensor is, and what a home of tensors offers: the part of the contract that knows no kernels. */

/**
 * Element types. `float64` exists for the definition itself (`js({ float: 'float64' })`), few devices have it. `float16` and
 * `bfloat16` are for storage: a kernel takes them wherever it does not ask for a *wide* argument, computes as if they were
 * float32 and rounds what it writes.
 */
export type DType = 'float64' | 'float32' | 'float16' | 'bfloat16' | 'int32';

/** What `read` returns and `upload` takes, one class per {@link DType}; halves are read as a Float32Array. */
export type TypedArray = Float64Array | Float32Array | Int32Array;

/** What a tensor is filled from. A Uint16Array is the bits of a float16 or bfloat16, everything else is numbers. */
export type Elements = TypedArray | Uint16Array | readonly number[];

/** Sizes from the outermost axis to the innermost; row-major, without strides. `[]` is a scalar of one element. */
export type Shape = readonly number[];

/** A dense row-major block of numbers that lives on a backend. Kernels read and write it; nothing else hangs on it. */
export interface Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Number of elements, the product of `shape`. */
  readonly size: number;
  /** Where it lives: the backend that made it; `backendOf(tensor)` has its kernels, too. */
  readonly backend: Home;
  /** The backend's own handle; opaque to everybody else. */
  readonly handle: unknown;
  readonly disposed: boolean;
  /** Waits for the kernels enqueued so far and copies the elements out. */
  read(): Promise<TypedArray>;
  /** Gives the memory back to the backend's pool. A view keeps the memory alive until it is disposed of as well. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What a device can do and what it cannot, as data that `doctor`, the trainer and the tests read. */
export interface Capabilities {
  /** The element type that kernels compute in, and that of tensors unless a caller names another. */
  readonly float: 'float32' | 'float64';
  /** What tensors may hold. */
  readonly dtypes: readonly DType[];
  /** Largest single tensor in bytes. */
  readonly maxTensorBytes: number;
  /** Most bytes of all tensors together, where that is fixed beforehand. */
  readonly maxBytes?: number | undefined;
  /** Bytes that a kernel which works in blocks of rows makes of one of them: enough to keep the device busy. */
  readonly blockBytes: number;
  /** Threads that compute, the caller's included. */
  readonly threads: number;
  /** Whether `readSync` is there: decoding can then sample without waiting a turn of the event loop. */
  readonly synchronousRead: boolean;
  /** Free-form facts for people: what was chosen and why something is off. */
  readonly notes: readonly string[];
}

/** Live and pooled memory of a backend, in tensors, buffers and bytes. */
export interface MemoryReport {
  /** Buffers handed out and not given back; views of one buffer count once. */
  readonly liveBuffers: number;
  readonly liveBytes: number;
  /** Bytes that wait in the pool for the next tensor of their size. */
  readonly pooledBytes: number;
  /** Most bytes live at one time since the backend was opened. */
  readonly peakBytes: number;
  /** How often the device was asked for new memory, ever. Constant once a loop has warmed up. */
  readonly allocations: number;
}

/** Keeps a tensor that was made inside a scope alive beyond its end. Returns it. */
export type Keep = <X extends Tensor>(tensor: X) => X;

/** Where tensors live: makes them, moves their numbers, and counts them. A backend is a home that computes. */
export interface Home {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * A tensor whose elements are undefined (whatever the pool held before).
   * @throws ShapeError for a size that is not a whole number of at least 0
   * @throws OutOfMemoryError over `capabilities.maxTensorBytes` or when the device has no memory left
   */
  empty(shape: Shape, dtype?: DType): Tensor;
  /**
   * A tensor with the given elements, converted to `dtype` (default: int32 for an Int32Array, else `capabilities.float`).
   * @throws ConfigError for bits of halves without a half as `dtype`
   */
  upload(data: Elements, shape: Shape, dtype?: DType): Tensor;
  /** Overwrites the elements of a tensor from the host, converted to its element type. */
  write(tensor: Tensor, data: Elements): void;
  /** The same memory under another shape of the same size. Dispose of it like any other tensor. */
  view(tensor: Tensor, shape: Shape): Tensor;
  read(tensor: Tensor): Promise<TypedArray>;
  /**
   * Present when `capabilities.synchronousRead`.
   * @param into - what is filled and handed back, in place of new memory
   * @throws ShapeError if `into` does not hold as many numbers as the tensor
   */
  readSync?(tensor: Tensor, into?: TypedArray): TypedArray;
  /**
   * Runs `body` and then disposes of every tensor made inside it, except those kept and those of an enclosing scope. Where it
   * throws, those kept go too.
   */
  scope<R>(body: (keep: Keep) => R): R;
  /** Takes a tensor out of every open scope: it lives until it is disposed of. */
  detach(tensor: Tensor): Tensor;
  memory(): MemoryReport;
}
