/** An attention layer: projections, norms, gates and phases around a recurrence, behind a norm and added to what went in. */

import { reshape, type NormParameters, type Tape, type Variable } from '@sympow/autograd';
import type { Tensor } from '@sympow/kernels';
import {
  parametersOf,
  type AttentionInputs,
  type AttentionKind,
  type Memory,
  type Recurrence,
} from '@sympow/recurrence';
import type { ModelConfig } from '../api';
import { addMap, layerInput } from './input';
import { norm } from './norm';
import { projection, residualInit, weightsOf, within, type LinearMap, type Specs, type Weights } from './weights';

/** What a layer reads beside its input. */
export interface LayerInputs {
  /** Of this layer: goes on from it and moves it on; without it the tokens begin a sequence. */
  readonly memory?: Memory | undefined;
  /** With a memory: how many of its tokens each row has. */
  readonly lengths?: readonly number[] | undefined;
  /** [B, T] int32, not 0 where a document begins. */
  readonly reset?: Tensor | undefined;
}

/** A layer: x [B, T, hidden] → [B, T, hidden]. Where nothing is recorded x may be written over. */
export type LayerMap = (tape: Tape, x: Variable, inputs: LayerInputs) => Variable;

/** What a layer is made from beside its weights. */
export interface LayerParts {
  readonly kind: AttentionKind;
  readonly recurrence: Recurrence;
  /** Numbers of gates and phases that are not trained, by name. */
  readonly constants: ReadonlyMap<string, Variable>;
}

/** Weights that make gates, phases and other wide inputs. */
function inFull(specs: Specs = {}): Specs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, { ...spec, wide: true }]));
}

export const attention = {
  parameters(config: ModelConfig, kind: AttentionKind): Specs {
    const { hiddenSize, heads: H, keyValueHeads: G, headSize: d, queryKeyNorm, gate, rotary } = config;
    return {
      ...projection(config, 'q_proj', H * d, hiddenSize),
      ...projection(config, 'k_proj', G * d, hiddenSize),
      ...projection(config, 'v_proj', G * d, hiddenSize),
      ...(queryKeyNorm && within('q_norm', norm.parameters(config, d, 'rms'))),
      ...(queryKeyNorm && within('k_norm', norm.parameters(config, d, 'rms'))),
      ...inFull(gate.parameters(config)),
      ...inFull(rotary.parameters(config)),
      ...inFull(kind.parameters?.(config)),
      ...projection(config, 'o_proj', hiddenSize, H * d, residualInit(config)),
    };
  },

  make(
    config: ModelConfig,
    before: NormParameters,
    weights: Weights,
    { kind, recurrence, constants }: LayerParts,
  ): LayerMap {
    const { heads: H, keyValueHeads: G, headSize: d, queryKeyNorm, gate, rotary } = config;
    const [qProj, kProj, vProj, oProj] = ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map(weights.linear) as Projections;
    const ofHead = (name: string) => queryKeyNorm && norm.make(config, weightsOf(name, weights), 'rms');
    const [qNorm, kNorm] = [ofHead('q_norm'), ofHead('k_norm')];
    const entries = new Map(constants);
    for (const entry of [gate, rotary, kind]) {
      for (const name of Object.keys(entry.parameters?.(config) ?? {})) entries.set(name, weights.find(name)!);
    }
    const own = (name: string) => entries.get(name)!;

    const maps = [
      qProj.plain,
      kProj.plain,
      vProj.plain,
      ...[gate, rotary].map(({ map }) => map && parametersOf(map, own)),
    ];

    return (tape, x, { memory, lengths, reset }) => {
      const [B, T] = x.value.shape as [number, number];
      const { h, made } = layerInput(tape, x, before, maps);
      let q = reshape(tape, made[0] ?? qProj(tape, h), [B, T, H, d]);
      let k = reshape(tape, made[1] ?? kProj(tape, h), [B, T, G, d]);
      const v = reshape(tape, made[2] ?? vProj(tape, h), [B, T, G, d]);
      if (qNorm && kNorm) [q, k] = [qNorm(tape, q), kNorm(tape, k)];
      const inputs: AttentionInputs = {
        q,
        k,
        v,
        logGate: gate.logGates(tape, h, own, config, made[3]), // [B, T, G] or [B, T, G, d]
        phases: rotary.inputs(tape, h, own, config, made[4]),
        reset,
        own: kind.inputs?.(tape, h, own, config),
      };
      const y = memory
        ? recurrence.stream(tape, inputs, memory, lengths)
        : recurrence.sequence(tape, inputs, { finalState: false }).y; // [B, T, H, d]
      return addMap(tape, x, oProj, reshape(tape, y, [B, T, H * d]));
    };
  },
};

type Projections = [q: LinearMap, k: LinearMap, v: LinearMap, o: LinearMap];
