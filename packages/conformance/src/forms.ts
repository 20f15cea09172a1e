/** The recurrence by its definition, and in three ways by a backend's kernels: chunked, step by step, and from a window of keys. */

import { embeddedSize } from '@sympow/embedding';
import type { Backend, Normalizer, Tensor } from '@sympow/kernels';
import type { Numbers } from './api';
import { defineRecurrence, type RecurrenceAnswer } from './defineRecurrence';
import { upload } from './launch';

export interface Sequence {
  readonly power: number;
  readonly normalizer: Normalizer;
  /** [B, T, H, d] */
  readonly q: Numbers;
  /** [B, T, G, d] */
  readonly k: Numbers;
  /** [B, T, G, e] */
  readonly v: Numbers;
  /** [B, T, G] or [B, T, G, d] */
  readonly logGate?: Numbers | undefined;
  /** [B, G, D, e] and [B, G, D] */
  readonly S0?: Numbers | undefined;
  readonly Z0?: Numbers | undefined;
}

/** Outputs and the final state, as {@link defineRecurrence} has them. */
export type SequenceResult = Pick<RecurrenceAnswer, 'y' | 'S' | 'Z'>;

interface Placed {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  logGate: Tensor | undefined;
  S0: Tensor | undefined;
  Z0: Tensor | undefined;
}

function place(backend: Backend, { q, k, v, logGate, S0, Z0 }: Sequence): Placed {
  const optional = (numbers: Numbers | undefined) => numbers && upload(backend, numbers);
  return {
    q: upload(backend, q),
    k: upload(backend, k),
    v: upload(backend, v),
    logGate: optional(logGate),
    S0: optional(S0),
    Z0: optional(Z0),
  };
}

function sizesOf({ q, k, v, power }: Sequence) {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  return { B, T, H, d, G: k.shape[2]!, e: v.shape[3]!, D: embeddedSize(d, power) };
}

/** By the double loop. */
export function defined(sequence: Sequence): SequenceResult {
  const { power, normalizer, q, k, v, logGate, S0, Z0 } = sequence;
  const initial = { S0: S0?.data, Z0: Z0?.data };
  const gates = { logGate: logGate?.data, vectorGates: logGate?.shape.length === 4 };
  return defineRecurrence({
    ...{ ...sizesOf(sequence), power, normalizer },
    ...{ q: q.data, k: k.data, v: v.data, ...gates, ...initial },
  });
}

const floats = async (tensor: Tensor): Promise<Float64Array> => Float64Array.from(await tensor.read());

/** The four kernels one after the other, on keys that are scaled into range; `chunk` ≥ T is the attention form. */
export async function chunkedForm(backend: Backend, sequence: Sequence, chunk: number): Promise<SequenceResult> {
  const { B, T, H, G, e, D } = sizesOf(sequence);
  const { power, normalizer } = sequence;
  const n = Math.ceil(T / chunk);
  const { kernels } = backend;
  const results = backend.scope((keep) => {
    const placed = place(backend, sequence);
    const { q, v, logGate } = placed;
    const make = (...shape: number[]) => backend.empty(shape);
    const scale = make(B, G);
    if (normalizer === 'sum') kernels.keyScale({ k: placed.k, Z: placed.Z0, power, scale });
    else kernels.fill({ value: 1, y: scale });
    /** x·scale^times, one row per batch and head. */
    const scaled = <X extends Tensor | undefined>(x: X, times: number): X => {
      if (!x) return x;
      const y = backend.empty(x.shape);
      const rows = (tensor: Tensor) => backend.view(tensor, [B, 1, G, tensor.size / (B * G)]);
      kernels.scaleHeads({ x: rows(x), scale, times, y: rows(y) });
      return y as X;
    };
    const k = make(...placed.k.shape);
    kernels.scaleHeads({ x: placed.k, scale, times: 1, y: k });
    const [S0, Z0] = [scaled(placed.S0, power), scaled(placed.Z0, power)];
    const gates = logGate && {
      A: make(2, ...logGate.shape),
      start: backend.empty(logGate.shape, 'int32'),
    };
    if (logGate && gates) kernels.gateSum({ logGate, chunk, ...gates });
    const [deltaS, deltaZ] = [make(B, n, G, D, e), make(B, n, G, D)];
    const [S, Z, SLast, ZLast] = [make(B, n, G, D, e), make(B, n, G, D), make(B, G, D, e), make(B, G, D)];
    const [num, den, rowMax] = [make(B, T, H, e), make(B, T, H), make(B, T, H)];
    const [y, total] = [make(B, T, H, e), make(B, T, H)];
    const options = { power, chunk, gates };
    kernels.updateState({ k, v, deltaS, deltaZ, ...options });
    kernels.discountedSum({ deltaS, deltaZ, length: T, S0, Z0, S, Z, SLast, ZLast, ...options });
    kernels.powerAttention({ q, k, v, num, den, rowMax, ...options });
    const history = S0 || n > 1 ? { S, Z } : {};
    kernels.queryState({ q, normalizer, num, den, rowMax, y, total, ...history, ...options });
    return [y, scaled(SLast, -power), scaled(ZLast, -power)].map(keep);
  });
  return readAll(results);
}

/** One step after the other; only the state is carried. */
export async function stepForm(backend: Backend, sequence: Sequence): Promise<SequenceResult> {
  const { B, T, H, G, d, e, D } = sizesOf(sequence);
  const { power, normalizer } = sequence;
  const results = backend.scope((keep) => {
    const { q, k, v, logGate, S0, Z0 } = place(backend, sequence);
    const [y, S, Z] = [backend.empty([B, T, H, e]), backend.empty([B, G, D, e]), backend.empty([B, G, D])];
    const { kernels } = backend;
    if (S0 && Z0) {
      kernels.cast({ x: S0, y: S });
      kernels.cast({ x: Z0, y: Z });
    } else {
      kernels.fill({ value: 0, y: S });
      kernels.fill({ value: 0, y: Z });
    }
    const token = (x: Tensor, t: number, shape: number[]): Tensor => {
      const row = backend.empty([B, 1, ...shape]);
      kernels.copyBlock({ x, from: t, count: 1, y: row });
      return backend.view(row, [B, ...shape]);
    };
    const answer = backend.empty([B, H, e]);
    for (let t = 0; t < T; t++) {
      kernels.stepState({
        power,
        normalizer,
        q: token(q, t, [H, d]),
        k: token(k, t, [G, d]),
        v: token(v, t, [G, e]),
        logGate: logGate && token(logGate, t, [...logGate.shape.slice(2)]),
        S,
        Z,
        SNext: S,
        ZNext: Z,
        y: answer,
      });
      kernels.copyBlock({ x: backend.view(answer, [B, 1, H, e]), to: t, count: 1, y });
    }
    return [y, S, Z].map(keep);
  });
  return readAll(results);
}

/** Every token answered from a window that holds all tokens before it, and from the initial state. */
export async function windowForm(
  backend: Backend,
  sequence: Sequence & { S0: Numbers; Z0: Numbers },
): Promise<Float64Array> {
  const { B, T, H, d, e } = sizesOf(sequence);
  const { power, normalizer } = sequence;
  const y = backend.scope((keep) => {
    const { q, k, v, logGate, S0, Z0 } = place(backend, sequence);
    const { kernels } = backend;
    const out = backend.empty([B, T, H, e]);
    const answer = backend.empty([B, H, e]);
    const query = backend.empty([B, 1, H, d]);
    const count = backend.empty([B], 'int32');
    for (let t = 0; t < T; t++) {
      kernels.fill({ value: t + 1, y: count });
      kernels.copyBlock({ x: q, from: t, count: 1, y: query });
      const one = backend.view(query, [B, H, d]);
      kernels.queryWindow({ power, normalizer, q: one, k, v, logGate, count, S: S0!, Z: Z0!, y: answer });
      kernels.copyBlock({ x: backend.view(answer, [B, 1, H, e]), to: t, count: 1, y: out });
    }
    return keep(out);
  });
  const numbers = await floats(y);
  y.dispose();
  return numbers;
}

async function readAll(tensors: readonly Tensor[]): Promise<SequenceResult> {
  const [y, S, Z] = await Promise.all(tensors.map(floats));
  tensors.forEach((tensor) => tensor.dispose());
  return { y: y!, S: S!, Z: Z! };
}
