/**
 * The contract between a model and a device: what a tensor is, what a backend offers, and what every kernel means.
 *
 * It is not an array library: there is no broadcasting, no lazy evaluation and no automatic differentiation here. A kernel
 * is one call on tensors that its caller owns. The formulas are those of the specification (README of this package); the
 * `js` backend in `./js` is their readable definition, and `@sympow/conformance` holds every backend to it.
 *
 * Letters: B batch, T time, H query heads, G key/value heads (H is a multiple of G), d key size, e value size, p power,
 * D = C(d+p−1, p) embedded size, C chunk length, n = ⌈T/C⌉ chunks. Query head h reads key/value head ⌊h·G/H⌋.
 */

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
  readonly backend: Backend;
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
  /** What `matmul` rounds its operands to, where that is less than `float`. Sums and results are of `float` all the same. */
  readonly operands?: 'float16' | undefined;
  /** Largest single tensor in bytes. */
  readonly maxTensorBytes: number;
  /** Most bytes of all tensors together, where that is fixed beforehand. */
  readonly maxBytes?: number | undefined;
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

/** A device that computes. Open one through a {@link BackendFactory}; close it when done. */
export interface Backend {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly kernels: Kernels;
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
  /** Present when `capabilities.synchronousRead`. */
  readSync?(tensor: Tensor): TypedArray;
  /**
   * Runs `body` and then disposes of every tensor made inside it, except those kept and those of an enclosing scope. Where it
   * throws, those kept go too.
   */
  scope<R>(body: (keep: Keep) => R): R;
  /** Takes a tensor out of every open scope: it lives until it is disposed of. */
  detach(tensor: Tensor): Tensor;
  memory(): MemoryReport;
  /** Resolves when everything enqueued so far has run; rejects with the first error of the device. */
  finish(): Promise<void>;
  /** Gives everything back. Tensors of a closed backend cannot be used. */
  close(): Promise<void>;
}

/** Something that can open a backend, or say why it cannot. */
export interface BackendFactory {
  readonly name: string;
  /** @throws BackendError that says why this backend cannot run here */
  open(): Promise<Backend>;
}

// Arguments of the kernels. Tensors that a kernel writes stand after a blank line; `?` marks optional tensors.

/** Sum of gates from {@link Kernels.gateSum}: `A` as two planes whose sum is the value, and where history begins. */
export interface GateSums {
  /** [2, …logGate.shape]: Σ log γ from the chunk's first token or the last reset, as float32 head plus tail. */
  readonly A: Tensor;
  /** [...logGate.shape] int32: the latest token m ≤ i whose gate is 0, or −1: token i sees nothing before it. */
  readonly start: Tensor;
}

export interface UnaryArgs {
  x: Tensor;

  y: Tensor;
}

export interface UnaryBackwardArgs {
  x: Tensor;
  dy: Tensor;

  dx: Tensor;
}

export interface MatmulArgs {
  /** [batch…, m, k], or [batch…, k, m] with `transposeA`. */
  a: Tensor;
  /** [k, n] shared by the whole batch or [batch…, k, n]; [n, k] with `transposeB`. */
  b: Tensor;
  /** [n], added to every row. */
  bias?: Tensor | undefined;
  transposeA?: boolean | undefined;
  transposeB?: boolean | undefined;
  /** Adds to what `y` holds instead of overwriting it. */
  accumulate?: boolean | undefined;
  /** Takes operands as they are, also where `capabilities.operands` says otherwise: for what makes gates and phases. */
  exact?: boolean | undefined;

  /** [batch…, m, n] */
  y: Tensor;
}

export interface NormArgs {
  /** [rows…, n] */
  x: Tensor;
  /** [n]; 1 where absent. */
  weight?: Tensor | undefined;
  /** [n], layer norm only. */
  bias?: Tensor | undefined;
  /** Added to the variance (layer norm) or mean square (RMS norm). */
  eps: number;

  y: Tensor;
}

export interface NormBackwardArgs {
  x: Tensor;
  weight?: Tensor | undefined;
  dy: Tensor;
  eps: number;

  dx: Tensor;
  dweight?: Tensor | undefined;
  dbias?: Tensor | undefined;
}

export interface SoftmaxAttentionArgs {
  /** [B, T, H, d]: query i stands at key position offset + i. */
  q: Tensor;
  /** [B, S, G, d] */
  k: Tensor;
  /** [B, S, G, e] */
  v: Tensor;
  /** Sums over all S positions as one chunk ([2, B, S, G] and [B, S, G]); absent without gates. */
  gates?: GateSums | undefined;
  /**
   * [B] int32: position of each row's first query among its keys; S − T where absent, and taken as the nearer end of 0 … S − T
   * where it lies outside. Keys after a query's position are not read.
   */
  offset?: Tensor | undefined;
  /** W ≥ 1: a query reads the last W keys, its own included; all before it where absent. */
  window?: number | undefined;

  /** [B, T, H, e] */
  y: Tensor;
  /** [B, T, H]: log of the row's sum of exponentials, kept for the backward pass. */
  logSum: Tensor;
}

export interface SoftmaxAttentionBackwardArgs {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  offset?: Tensor | undefined;
  window?: number | undefined;
  y: Tensor;
  logSum: Tensor;
  dy: Tensor;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  /** [B, S, G] with `gates`. */
  dA?: Tensor | undefined;
}

/** What the four kernels of the chunked form share. */
export interface PowerOptions {
  /** p ≥ 1. */
  readonly power: number;
  /** C ≥ 1: tokens per chunk; the last chunk may be shorter. C ≥ T gives the attention form. */
  readonly chunk: number;
}

/** `sum` divides by Σ_j B_ij (even p only); `none` leaves the sum as it is. */
export type Normalizer = 'sum' | 'none';

export interface UpdateStateArgs extends PowerOptions {
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  gates?: GateSums | undefined;

  /** [B, n, G, D, e]: what each chunk adds to S, Σ_j φ(k_j e^{(A_last − A_j)/p}) v_jᵀ. */
  deltaS: Tensor;
  /** [B, n, G, D]: the same for Z. */
  deltaZ: Tensor;
}

export interface UpdateStateBackwardArgs extends PowerOptions {
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  dDeltaS: Tensor;
  dDeltaZ: Tensor;

  dk: Tensor;
  dv: Tensor;
  dA?: Tensor | undefined;
}

export interface DiscountedSumArgs extends PowerOptions {
  /** [B, n, G, D, e] */
  deltaS: Tensor;
  /** [B, n, G, D] */
  deltaZ: Tensor;
  gates?: GateSums | undefined;
  /** T: needed because the last chunk may be shorter. */
  length: number;
  /** [B, G, D, e], the state before the first token; 0 where absent. */
  S0?: Tensor | undefined;
  /** [B, G, D] */
  Z0?: Tensor | undefined;

  /** [B, n, G, D, e]: the state before each chunk. */
  S: Tensor;
  /** [B, n, G, D] */
  Z: Tensor;
  /** [B, G, D, e]: the state after the last token. May be S0 itself. */
  SLast: Tensor;
  /** [B, G, D]. May be Z0 itself. */
  ZLast: Tensor;
}

export interface DiscountedSumBackwardArgs extends PowerOptions {
  gates?: GateSums | undefined;
  length: number;
  S: Tensor;
  Z: Tensor;
  dS: Tensor;
  dZ: Tensor;
  /** [B, G, D, e]; 0 where absent. */
  dSLast?: Tensor | undefined;
  dZLast?: Tensor | undefined;

  dDeltaS: Tensor;
  dDeltaZ: Tensor;
  dS0?: Tensor | undefined;
  dZ0?: Tensor | undefined;
  dA?: Tensor | undefined;
}

export interface PowerAttentionArgs extends PowerOptions {
  /** [B, T, H, d] */
  q: Tensor;
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  gates?: GateSums | undefined;

  /** [B, T, H, e]: Σ_j (g_ij / max_i)^p v_j over the tokens j ≤ i of i's chunk, with g_ij = q_i·k_j e^{(A_i−A_j)/p} / √d. */
  num: Tensor;
  /** [B, T, H]: Σ_j (g_ij / max_i)^p. */
  den: Tensor;
  /** [B, T, H]: max_j |g_ij|. Where it is 0, num and den are 0. */
  rowMax: Tensor;
}

export interface PowerAttentionBackwardArgs extends PowerOptions {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  /** Held constant: the result of `queryState` does not depend on it. */
  rowMax: Tensor;
  dnum: Tensor;
  dden: Tensor;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  dA?: Tensor | undefined;
}

export interface QueryStateArgs extends PowerOptions {
  /** [B, T, H, d] */
  q: Tensor;
  gates?: GateSums | undefined;
  normalizer: Normalizer;
  /** [B, n, G, D, e] and [B, n, G, D]: the state before each chunk; absent when there is no history at all. */
  S?: Tensor | undefined;
  Z?: Tensor | undefined;
  num: Tensor;
  den: Tensor;
  rowMax: Tensor;

  /** [B, T, H, e]: (num·max^p + φ(q̃)ᵀS) / (den·max^p + φ(q̃)·Z) with q̃_i = q_i e^{A_i/p} / √d; 0 where the divisor is 0. */
  y: Tensor;
  /**
   * [B, T, H]: the divisor over c_i^p, where c_i = max(rowMax_i, |q̃_i|) (the common factor, only rowMax without S). With
   * normalizer `none` it is undefined.
   */
  total: Tensor;
}

export interface QueryStateBackwardArgs extends PowerOptions {
  q: Tensor;
  gates?: GateSums | undefined;
  normalizer: Normalizer;
  S?: Tensor | undefined;
  Z?: Tensor | undefined;
  rowMax: Tensor;
  y: Tensor;
  total: Tensor;
  dy: Tensor;

  dnum: Tensor;
  dden: Tensor;
  /** Present with S. */
  dq?: Tensor | undefined;
  dS?: Tensor | undefined;
  dZ?: Tensor | undefined;
  /** Present with S and gates. */
  dA?: Tensor | undefined;
}

export interface StepStateArgs {
  power: number;
  normalizer: Normalizer;
  /** [B, H, d] */
  q: Tensor;
  /** [B, G, d] */
  k: Tensor;
  /** [B, G, e] */
  v: Tensor;
  /** [B, G] or [B, G, d]; no gate where absent. */
  logGate?: Tensor | undefined;
  /** [B, G, D, e] */
  S: Tensor;
  /** [B, G, D] */
  Z: Tensor;

  /** [B, G, D, e]: e^{logGate} S + φ(k) vᵀ. May be S itself. */
  SNext: Tensor;
  ZNext: Tensor;
  /** [B, H, e]: φ(q)ᵀSNext / φ(q)·ZNext. */
  y: Tensor;
}

export interface StepStateBackwardArgs {
  power: number;
  normalizer: Normalizer;
  q: Tensor;
  k: Tensor;
  v: Tensor;
  logGate?: Tensor | undefined;
  S: Tensor;
  Z: Tensor;
  SNext: Tensor;
  ZNext: Tensor;
  y: Tensor;
  dy: Tensor;
  /** The gradient that comes from later steps; 0 where absent. */
  dSNext?: Tensor | undefined;
  dZNext?: Tensor | undefined;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  dlogGate?: Tensor | undefined;
  dS: Tensor;
  dZ: Tensor;
}

export interface QueryWindowArgs {
  power: number;
  normalizer: Normalizer;
  /** [B, H, d]: the query of the newest token, row `count − 1` of its window. */
  q: Tensor;
  /** [B, C, G, d]: the last keys, oldest first; those from `count` on are not read. */
  k: Tensor;
  /** [B, C, G, e] */
  v: Tensor;
  /** [B, C, G] or [B, C, G, d] */
  logGate?: Tensor | undefined;
  /** [B] int32: tokens in the window of each row, taken as the nearer end of 0 … C where it lies outside. */
  count: Tensor;
  /** [B, G, D, e] and [B, G, D]: the state before the window. */
  S: Tensor;
  Z: Tensor;

  /** [B, H, e] */
  y: Tensor;
}

export interface CopyBlockArgs {
  /** [B, X, …rest] */
  x: Tensor;
  /** First row of x that is read; default 0. */
  from?: number | undefined;
  /** First row of y that is written; default 0. */
  to?: number | undefined;
  count: number;

  /** [B, Y, …rest]; rows outside [to, to + count) keep their contents. */
  y: Tensor;
}

export interface AppendArgs {
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  /** [B, T, G] or [B, T, G, d] */
  logGate?: Tensor | undefined;
  /** [B] int32: where the first token of each row goes. Below 0 the row rests: nothing of it is written. */
  offset: Tensor;

  /** [B, S, G, d]: token t of row b stands at offset[b] + t, or nowhere if that is S or more; the others stay as they are. */
  keys: Tensor;
  /** [B, S, G, e] */
  values: Tensor;
  /** [B, S, G] or [B, S, G, d], with `logGate`. */
  logGates?: Tensor | undefined;
  /** [B] int32: the place behind the last token, offset + T; that of a row that rests stays. */
  next: Tensor;
}

export interface AdamWArgs {
  /** One list entry per parameter; `weights`, `m` and `v` are updated in place. */
  weights: readonly Tensor[];
  grads: readonly Tensor[];
  m: readonly Tensor[];
  v: readonly Tensor[];
  /** Weight decay of each parameter. */
  weightDecay: readonly number[];
  learningRate: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Number of this update, from 1, for the bias correction. */
  step: number;
  /** Gradients are multiplied by min(1, clip / (norm + 1e-6)), as PyTorch does; `Infinity` never clips. */
  clip: number;
  /** [1] from {@link Kernels.squaredNorm}. Where it is not finite the whole update is skipped. */
  squaredNorm: Tensor;
}

/**
 * The catalogue. A kernel overwrites its outputs entirely unless it says otherwise, allocates nothing that outlives the
 * call, and is enqueued, not awaited. Outputs may not share memory with inputs except where stated. `XBackward` takes the
 * gradients of X's outputs (`dy` for `y`) and writes those of its inputs.
 */
export interface Kernels {
  // -- arithmetic and activations (any shape, all tensors the same size)
  fill(args: { value: number; y: Tensor }): void;
  /** y = x in y's element type. */
  cast(args: UnaryArgs): void;
  /** Rows [from, from + count) of axis 1 of x into axis 1 of y. */
  copyBlock(args: CopyBlockArgs): void;
  /** y = a + scale·b (scale defaults to 1). y may be a or b. */
  add(args: { a: Tensor; b: Tensor; scale?: number | undefined; y: Tensor }): void;
  /** y = a·b. y may be a or b. */
  multiply(args: { a: Tensor; b: Tensor; y: Tensor }): void;
  /** y[r, :] = x for every row: x [n], y [rows…, n]. */
  broadcastRows(args: UnaryArgs): void;
  /** y[c] = scale·Σ_r x[r, c] (scale defaults to 1): x [rows…, n], y [n]. */
  sumRows(args: { x: Tensor; scale?: number | undefined; y: Tensor }): void;
  /** GELU in its tanh form. */
  gelu(args: UnaryArgs): void;
  geluBackward(args: UnaryBackwardArgs): void;
  /** y = silu(gate)·up */
  swiglu(args: { gate: Tensor; up: Tensor; y: Tensor }): void;
  swigluBackward(args: { gate: Tensor; up: Tensor; dy: Tensor; dgate: Tensor; dup: Tensor }): void;
  /** y = −log(1 + e^{−x}), exact for large |x|. */
  logSigmoid(args: UnaryArgs): void;
  logSigmoidBackward(args: UnaryBackwardArgs): void;
  /** y = 1 + tanh(x), the phase increment β. */
  onePlusTanh(args: UnaryArgs): void;
  onePlusTanhBackward(args: UnaryBackwardArgs): void;

  // -- products, norms, lookup, loss
  matmul(args: MatmulArgs): void;
  layerNorm(args: NormArgs): void;
  layerNormBackward(args: NormBackwardArgs): void;
  rmsNorm(args: NormArgs): void;
  rmsNormBackward(args: NormBackwardArgs): void;
  /** y[r, :] = weight[ids[r], :]: ids [rows…] int32 in [0, V), weight [V, n], y [rows…, n]. Ids out of range give NaN rows. */
  embed(args: { ids: Tensor; weight: Tensor; y: Tensor }): void;
  /** dweight is overwritten: 0 for ids that do not occur. */
  embedBackward(args: { ids: Tensor; dy: Tensor; dweight: Tensor }): void;
  /**
   * loss[r] = −log softmax(logits[r])[targets[r]] in nats, 0 where the target is negative and NaN where it is V or more:
   * logits [rows…, V].
   */
  crossEntropy(args: { logits: Tensor; targets: Tensor; loss: Tensor }): void;
  crossEntropyBackward(args: { logits: Tensor; targets: Tensor; dloss: Tensor; dlogits: Tensor }): void;

  // -- attention by softmax
  /** Never stores T×S numbers. */
  softmaxAttention(args: SoftmaxAttentionArgs): void;
  softmaxAttentionBackward(args: SoftmaxAttentionBackwardArgs): void;

  // -- phases and gates
  /** Turns each pair (x_2m, x_2m+1) by `turns` [B, T, G, d/2] (1 is a full turn): x [B, T, H, d]. */
  rotary(args: { x: Tensor; turns: Tensor; y: Tensor }): void;
  rotaryBackward(args: { x: Tensor; turns: Tensor; dy: Tensor; dx: Tensor; dturns: Tensor }): void;
  /**
   * turns_i = phase + Σ_{m≤i} β_m·θ/2π, modulo 1 into [−½, ½). beta [B, T, G] or [B, T, G, d/2], absent means 1;
   * theta [G, d/2] in radians per token, plus thetaTail, what rounding took from it (a float32 θ alone is a degree off after
   * some ten thousand tokens); phase [B, G, d/2] in turns, absent means 0; turns [B, T, G, d/2].
   *
   * A stream, which would round the phase at every call, hands on two planes [2, B, G, d/2] whose sum is the phase: `last`
   * is written with the phase after the last token and read as `resume` by the next call, in place of `phase`. Both may be
   * the same tensor.
   */
  phaseSum(args: {
    beta?: Tensor | undefined;
    theta: Tensor;
    thetaTail?: Tensor | undefined;
    phase?: Tensor | undefined;
    resume?: Tensor | undefined;
    turns: Tensor;
    last?: Tensor | undefined;
  }): void;
  /** θ's tail is too small to matter to a gradient. */
  phaseSumBackward(args: {
    beta?: Tensor | undefined;
    theta: Tensor;
    dturns: Tensor;
    dbeta?: Tensor | undefined;
    dtheta?: Tensor | undefined;
    dphase?: Tensor | undefined;
  }): void;
  /**
   * Inclusive sums of log γ that begin anew at every chunk and at every gate that is 0. A log gate under −87 (γ below the
   * smallest normal float32) counts as a gate of 0. logGate [B, T, G] or [B, T, G, d], each ≤ 0; −Infinity is allowed.
   */
  gateSum(args: { logGate: Tensor; chunk: number } & GateSums): void;
  /** dlogGate_m = Σ_{i ≥ m, same chunk, same reset} dA_i, and 0 at resets. */
  gateSumBackward(args: { dA: Tensor; start: Tensor; chunk: number; dlogGate: Tensor }): void;
  /** y = −Infinity where reset [B, T] (int32) is not 0, else x [B, T, …]. */
  resetGates(args: { x: Tensor; reset: Tensor; y: Tensor }): void;

  // -- the gated power recurrence (specification §6 and §7)
  /**
   * scale [B, G]: 2^−n for the n with which the largest |k_i| of a head, or the p-th root of its largest |Z_i|, is in [2^n, 2^{n+1});
   * 1 where p·|n| ≤ 32, as powers of such keys are far from the ends of a float. NaN, infinities and a head of zeros have no say.
   * k [B, T, G, d], Z [B, G, D].
   */
  keyScale(args: { k: Tensor; Z?: Tensor | undefined; power: number; scale: Tensor }): void;
  /** y = x·scale^times for a whole `times`, which may be negative: x and y [B, T, G, d], scale [B, G]. */
  scaleHeads(args: { x: Tensor; scale: Tensor; times: number; y: Tensor }): void;
  updateState(args: UpdateStateArgs): void;
  updateStateBackward(args: UpdateStateBackwardArgs): void;
  /** S_{n+1} = e^{A_last,n} S_n + ΔS_n over the chunks, from S0. */
  discountedSum(args: DiscountedSumArgs): void;
  discountedSumBackward(args: DiscountedSumBackwardArgs): void;
  powerAttention(args: PowerAttentionArgs): void;
  powerAttentionBackward(args: PowerAttentionBackwardArgs): void;
  queryState(args: QueryStateArgs): void;
  queryStateBackward(args: QueryStateBackwardArgs): void;
  /** One token of the recurrent form. */
  stepState(args: StepStateArgs): void;
  stepStateBackward(args: StepStateBackwardArgs): void;
  /** Keys, values and log gates of new tokens behind those that a memory holds; for streams, hence without a backward. */
  append(args: AppendArgs): void;
  /** One token answered from the window and the state before it; for decoding, hence without a backward. */
  queryWindow(args: QueryWindowArgs): void;

  // -- optimizer
  adamw(args: AdamWArgs): void;
  /** y [1] = Σ over all tensors of Σ x². */
  squaredNorm(args: { xs: readonly Tensor[]; y: Tensor }): void;
}
