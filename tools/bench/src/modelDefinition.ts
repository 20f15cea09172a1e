/**
 * The model of specification §8 in float64, as the plainest loops: one sequence, no gradients. It covers what the four
 * variants use (layer norm, GELU, tied embeddings, as many key heads as query heads) and shares no code with the packages.
 */

import { kindOf, type ModelConfig } from '@sympow/model';
import { dot, gateSums, powerAttentionRows } from './definition';

export type Weights = ReadonlyMap<string, ArrayLike<number>>;

/** Logits [T, V] of every token. */
export function logitsOf(config: ModelConfig, weights: Weights, tokens: ArrayLike<number>): Float64Array {
  const { hiddenSize: n, intermediateSize, layers, normEps } = config;
  const embedding = weights.get('model.embed_tokens.weight')!;
  const T = tokens.length;
  let x: Float64Array = new Float64Array(T * n);
  for (let i = 0; i < x.length; i++) x[i] = embedding[tokens[Math.floor(i / n)]! * n + (i % n)]!;
  x = layerNorm(x, weights.get('model.embed_norm.weight')!, normEps);
  for (let layer = 0; layer < layers; layer++) {
    const weight = (name: string) => weights.get(`model.layers.${layer}.${name}.weight`)!;
    const h = layerNorm(x, weight('input_layernorm'), normEps);
    x = sum(x, linear(attention(config, weights, layer, h), weight('self_attn.o_proj'), n));
    const up = linear(layerNorm(x, weight('post_attention_layernorm'), normEps), weight('mlp.up_proj'), n);
    x = sum(x, linear(up.map(gelu), weight('mlp.down_proj'), intermediateSize));
  }
  return linear(layerNorm(x, weights.get('model.norm.weight')!, normEps), embedding, n);
}

/** Mean cross-entropy in nats. */
export function lossOf(
  config: ModelConfig,
  weights: Weights,
  tokens: ArrayLike<number>,
  targets: ArrayLike<number>,
): number {
  const V = config.vocabSize;
  const logits = logitsOf(config, weights, tokens);
  let loss = 0;
  for (let t = 0; t < tokens.length; t++) {
    const row = logits.subarray(t * V, (t + 1) * V);
    const largest = Math.max(...row);
    const total = row.reduce((own, logit) => own + Math.exp(logit - largest), 0);
    loss += largest + Math.log(total) - row[targets[t]!]!;
  }
  return loss / tokens.length;
}

/** All heads side by side, [T, H·d], from the normalised input h. */
function attention(config: ModelConfig, weights: Weights, layer: number, h: Float64Array): Float64Array {
  const { hiddenSize: n, heads: H, headSize: d, rotary, rotaryHorizon: N, power } = config;
  const T = h.length / n;
  const weight = (name: string) => weights.get(`model.layers.${layer}.self_attn.${name}`);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(h, weight(`${name}.weight`)!, n));
  const gates = config.gate.name === 'data' ? linear(h, weight('gate_proj.weight')!, n) : undefined;
  const betas = rotary.name === 'data' ? linear(h, weight('beta_proj.weight')!, n) : undefined;
  const y = new Float64Array(T * H * d);
  for (let head = 0; head < H; head++) {
    const rows = (x: Float64Array, turned: boolean) => {
      const data = new Float64Array(T * d);
      for (let t = 0, phase = 0; t < T; t++) {
        phase += betas ? 1 + Math.tanh(betas[t * H + head]!) : 1;
        for (let m = 0; m < d; m += 2) {
          const angle = turned ? (phase * 2 * Math.PI) / N ** (m / d) : 0;
          const [a, b] = [x[(t * H + head) * d + m]!, x[(t * H + head) * d + m + 1]!];
          data[t * d + m] = a * Math.cos(angle) - b * Math.sin(angle);
          data[t * d + m + 1] = a * Math.sin(angle) + b * Math.cos(angle);
        }
      }
      return { data, width: d };
    };
    const logGate = Float64Array.from({ length: T }, (_, t) =>
      gates ? -Math.log1p(Math.exp(-(gates[t * H + head]! + weight('gate_proj.bias')![head]!))) : 0,
    );
    const sequence = { q: rows(q!, true), k: rows(k!, true), v: rows(v!, false), logGate };
    const all = Array.from({ length: T }, (_, t) => t);
    const answers =
      kindOf(config, 0).name === 'power' ? powerAttentionRows({ ...sequence, power }, all) : softmaxRows(sequence);
    for (let t = 0; t < T; t++) y.set(answers.subarray(t * d, (t + 1) * d), (t * H + head) * d);
  }
  return y;
}

/** Causal attention by softmax for one head, all rows. */
function softmaxRows({ q, k, v, logGate }: Omit<Parameters<typeof powerAttentionRows>[0], 'power'>): Float64Array {
  const A = gateSums(logGate, Infinity);
  const y = new Float64Array(A.length * v.width);
  for (let i = 0; i < A.length; i++) {
    let total = 0;
    for (let j = 0; j <= i; j++) {
      const weight = Math.exp(dot(q, i, k, j) / Math.sqrt(q.width) + A[i]! - A[j]!);
      total += weight;
      for (let c = 0; c < v.width; c++) y[i * v.width + c]! += weight * v.data[j * v.width + c]!;
    }
    for (let c = 0; c < v.width; c++) y[i * v.width + c]! /= total;
  }
  return y;
}

/** x Wᵀ: x [rows, inputs], W [outputs, inputs]. */
function linear(x: Float64Array, weight: ArrayLike<number>, inputs: number): Float64Array {
  const [rows, outputs] = [x.length / inputs, weight.length / inputs];
  const y = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < outputs; out++) {
      let total = 0;
      for (let i = 0; i < inputs; i++) total += x[row * inputs + i]! * weight[out * inputs + i]!;
      y[row * outputs + out] = total;
    }
  }
  return y;
}

function layerNorm(x: Float64Array, weight: ArrayLike<number>, eps: number): Float64Array {
  const n = weight.length;
  const y = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += n) {
    const row = x.subarray(from, from + n);
    const mean = row.reduce((a, b) => a + b, 0) / n;
    const variance = row.reduce((own, value) => own + (value - mean) ** 2, 0) / n;
    for (let i = 0; i < n; i++) y[from + i] = ((row[i]! - mean) / Math.sqrt(variance + eps)) * weight[i]!;
  }
  return y;
}

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}
