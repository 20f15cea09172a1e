/** The gated power recurrence: the four kernels of the chunked form, the single step, and the window. */

import {
  bytesPerElement,
  type GateSums,
  type Kernels,
  type PowerAttentionArgs,
  type QueryStateArgs,
  type StepStateArgs,
  type UpdateStateArgs,
} from '@sympow/kernels';
import { at, type Machine, type Runs } from '../machine';

type KeyTensors = Pick<UpdateStateArgs, 'k' | 'v' | 'gates' | 'power' | 'chunk'>;
type QueryTensors = Pick<QueryStateArgs, 'q' | 'y' | 'gates' | 'S' | 'Z' | 'power' | 'chunk'>;
type InsideTensors = Pick<PowerAttentionArgs, 'q' | 'k' | 'v' | 'gates' | 'power' | 'chunk'>;
type StepTensors = Pick<StepStateArgs, 'q' | 'v' | 'Z' | 'logGate' | 'power'>;

/** Query rows of an attention block; as in assembly/decay.ts. */
const blockRows = 64;

// As in assembly/features.ts and scores.ts: tokens of a block, numbers from one row to the next, and features held at once.
const [tokens, stride, features] = [128, 144, 256];

const isVector = (gates: GateSums | undefined): boolean => gates?.start.shape.length === 4;

/** Gates of a token and head: 0 without gates, 1, or d. */
function gateWidth(gates: GateSums | undefined): number {
  return !gates ? 0 : isVector(gates) ? gates.start.shape[3]! : 1;
}

/** A width as assembly/decay.ts takes it: below 0 where all dimensions share a gate, since d may be 1 too. */
const signedWidth = (width: number, vector: boolean): number => (vector ? width : -width);

const gateArguments = (gates: GateSums | undefined) =>
  [at(gates?.A), at(gates?.start), signedWidth(gateWidth(gates), isVector(gates))] as const;

export function recurrence(machine: Machine) {
  /** The coordinates of every feature, by which vector gates are looked up; 0 where all dimensions share a gate. */
  const gateIndices = (gates: GateSums | undefined, power: number): number =>
    isVector(gates) ? machine.indices(gateWidth(gates), power) : 0;

  /** Work space of kernels that hold φ of a block of tokens, and of what they sum over `length` tokens. */
  function featureSpace({ monomials }: Runs, d: number, e: number, width: number, length: number) {
    const held = Math.max(features, d) + 8;
    const rows = 2 * Math.max(monomials, d + 1) + held + 1;
    return rows * stride + held * (2 * e + 32) + tokens * (2 * e + 2 * d + width + 8) + length * width;
  }

  function keys({ k, v, gates, power, chunk }: KeyTensors, D: number) {
    const [B, T, G, d] = k.shape as [number, number, number, number];
    const runs = machine.runs(d, power);
    return {
      tasks: B * G * Math.ceil(T / chunk),
      space: featureSpace(runs, d, v.shape[3]!, gateWidth(gates), Math.min(chunk, T)),
      list: [B, T, G, d, v.shape[3]!, power, chunk, D, runs.at, ...gateArguments(gates)] as const,
    };
  }

  function queries({ q, y, gates, S, Z, power, chunk }: QueryTensors) {
    const [B, T, H, d] = q.shape as [number, number, number, number];
    const e = y.shape[3]!;
    const G = Z?.shape[2] ?? gates?.start.shape[2] ?? H;
    const D = Z?.shape[3] ?? 1;
    const runs = S ? machine.runs(d, power) : { at: 0, monomials: 0 };
    return {
      chunks: Math.ceil(T / chunk),
      B,
      H,
      G,
      space: featureSpace(runs, d, e, gateWidth(gates), Math.min(chunk, T)),
      list: [B, T, H, G, d, e, power, chunk, D, runs.at, ...gateArguments(gates)] as const,
    };
  }

  function inside({ q, k, v, gates, power, chunk }: InsideTensors) {
    const [B, T, H, d] = q.shape as [number, number, number, number];
    const G = k.shape[2]!;
    const e = v.shape[3]!;
    const most = Math.min(chunk, T);
    const width = gateWidth(gates);
    const panels = (most + 16) * (2 * d + e + 32) + (stride + blockRows) * (d + e + 32);
    const scores = (Math.ceil(most / tokens) + 1) * (blockRows + 8) * stride;
    return {
      tasks: B * G * Math.ceil(T / chunk),
      space: panels + scores + 2 * tokens * d + (2 * most + blockRows) * width + most + 512,
      list: [B, T, H, G, d, e, power, chunk, ...gateArguments(gates)] as const,
    };
  }

  return {
    keyScale({ k, Z, power, scale }) {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      machine.run('keyScale', B * G, 0, T, G, d, power, Z?.shape[2] ?? 0, at(k), at(Z), at(scale));
    },
    scaleHeads({ x, scale, times, y }) {
      const [B, T, G, d] = x.shape as [number, number, number, number];
      machine.run('scaleHeads', B * T * G, 0, T, G, d, times, at(x), at(scale), at(y));
    },
    updateState(args) {
      const { k, v, deltaS, deltaZ } = args;
      const { tasks, space, list } = keys(args, deltaZ.shape[3]!);
      machine.run('updateState', tasks, space, ...list, at(k), at(v), at(deltaS), at(deltaZ));
    },
    updateStateBackward(args) {
      const { k, v, dDeltaS, dDeltaZ, dk, dv, dA } = args;
      const { tasks, space, list } = keys(args, dDeltaZ.shape[3]!);
      const tensors = [at(k), at(v), at(dDeltaS), at(dDeltaZ), at(dk), at(dv), at(dA)] as const;
      machine.run('updateStateBackward', tasks, space, ...list, ...tensors);
    },
    discountedSum({ deltaS, deltaZ, gates, length, power, chunk, S0, Z0, S, Z, SLast, ZLast }) {
      const [B, , G, D, e] = S.shape as [number, number, number, number, number];
      const list = [B, length, G, e, power, chunk, D, gateIndices(gates, power), ...gateArguments(gates)] as const;
      const inputs = [at(deltaS), at(deltaZ), at(S0), at(Z0)] as const;
      machine.run('discountedSum', B * G, D + 16, ...list, ...inputs, at(S), at(Z), at(SLast), at(ZLast));
    },
    discountedSumBackward(args) {
      const { gates, length, power, chunk, S, Z, dS, dZ, dSLast, dZLast, dDeltaS, dDeltaZ, dS0, dZ0, dA } = args;
      const [B, , G, D, e] = S.shape as [number, number, number, number, number];
      const list = [B, length, G, e, power, chunk, D, gateIndices(gates, power), ...gateArguments(gates)] as const;
      const inputs = [at(S), at(Z), at(dS), at(dZ), at(dSLast), at(dZLast)] as const;
      const outputs = [at(dDeltaS), at(dDeltaZ), at(dS0), at(dZ0), at(dA)] as const;
      machine.run('discountedSumBackward', B * G, D + 16, ...list, ...inputs, ...outputs);
    },
    powerAttention(args) {
      const { q, k, v, num, den, rowMax } = args;
      const { tasks, space, list } = inside(args);
      machine.run('powerAttention', tasks, space, ...list, at(q), at(k), at(v), at(num), at(den), at(rowMax));
    },
    powerAttentionBackward(args) {
      const { q, k, v, rowMax, dnum, dden, dq, dk, dv, dA } = args;
      const { tasks, space, list } = inside(args);
      const inputs = [at(q), at(k), at(v), at(rowMax), at(dnum), at(dden)] as const;
      machine.run('powerAttentionBackward', tasks, space, ...list, ...inputs, at(dq), at(dk), at(dv), at(dA));
    },
    queryState(args) {
      const { normalizer, q, S, Z, num, den, rowMax, y, total } = args;
      const { B, H, chunks, space, list } = queries(args);
      const inputs = [at(q), at(S), at(Z), at(num), at(den), at(rowMax)] as const;
      machine.run('queryState', B * H * chunks, space, ...list, normalizer === 'sum', ...inputs, at(y), at(total));
    },
    queryStateBackward(args) {
      const { normalizer, q, S, Z, rowMax, y, total, dy, dnum, dden, dq, dS, dZ, dA } = args;
      const { B, G, chunks, space, list } = queries(args);
      const inputs = [at(q), at(S), at(Z), at(rowMax), at(y), at(total), at(dy)] as const;
      const outputs = [at(dnum), at(dden), at(dq), at(dS), at(dZ), at(dA)] as const;
      machine.run('queryStateBackward', B * G * chunks, space, ...list, normalizer === 'sum', ...inputs, ...outputs);
    },
    stepState(args) {
      const { normalizer, q, k, v, logGate, S, Z, SNext, ZNext, y } = args;
      const { tasks, space, list } = step(args, false);
      const inputs = [at(q), at(k), at(v), at(logGate), at(S), at(Z)] as const;
      machine.run('stepState', tasks, space, ...list, normalizer === 'sum', ...inputs, at(SNext), at(ZNext), at(y));
    },
    stepStateBackward(args) {
      const { normalizer, q, k, v, logGate, S, Z, SNext, ZNext, y, dy, dSNext, dZNext } = args;
      const { tasks, space, list } = step(args, true);
      const inputs = [at(q), at(k), at(v), at(logGate), at(S), at(Z), at(SNext), at(ZNext), at(y), at(dy)] as const;
      const { dq, dk, dv, dlogGate, dS, dZ } = args;
      const gradients = [at(dSNext), at(dZNext), at(dq), at(dk), at(dv), at(dlogGate), at(dS), at(dZ)] as const;
      machine.run('stepStateBackward', tasks, space, ...list, normalizer === 'sum', ...inputs, ...gradients);
    },
    append({ k, v, logGate, offset, keys, values, logGates, next }) {
      const [B, T] = k.shape as [number, number];
      const S = keys.shape[1]!;
      for (const [x, y] of [
        [k, keys],
        [v, values],
        [logGate, logGates],
      ] as const) {
        if (!x || !y) continue;
        const bytes = (bytesPerElement[x.dtype] * x.size) / (B * T || 1);
        machine.call('append', B, T, S, bytes, at(x), at(offset), at(y));
      }
      machine.call('moveOn', B, T, at(offset), at(next));
    },
    queryWindow({ power, normalizer, q, k, v, logGate, count, S, Z, y }) {
      const [B, H, d] = q.shape as [number, number, number];
      const [, C, G] = k.shape as [number, number, number];
      const D = Z.shape[2]!;
      const vector = logGate?.shape.length === 4;
      const width = vector ? d : 1;
      const runs = machine.runs(d, power);
      const space = (C + 4) * (width + 1) + D + d + runs.monomials + 128;
      const signed = signedWidth(width, vector);
      // prettier-ignore
      machine.run(
        'queryWindow', B * G, space, H, G, C, d, v.shape[3]!, power, D, runs.at, signed, normalizer === 'sum',
        at(q), at(k), at(v), at(logGate), at(count), at(S), at(Z), at(y),
      );
    },
  } satisfies Partial<Kernels>;

  function step({ q, v, Z, logGate, power }: StepTensors, backward: boolean) {
    const [B, H, d] = q.shape as [number, number, number];
    const [, G, D] = Z.shape as [number, number, number];
    const e = v.shape[2]!;
    const runs = machine.runs(d, power);
    const indices = logGate?.shape.length === 3 ? machine.indices(d, power) : 0;
    return {
      tasks: B * G,
      space: (backward ? 2 * D * e + 6 * D : 2 * D) + 4 * (d + e) + 4 * (runs.monomials + d) + 128,
      list: [H, G, d, e, power, D, runs.at, indices] as const,
    };
  }
}
