/** Memory of a whole model that reads streams: one memory per layer, saved together. */

import { ConfigError, type Backend } from '@sympow/kernels';
import type { Memory, Recurrence, SavedMemory, SavedTensor, SaveOptions } from '@sympow/recurrence';
import type { ModelConfig } from './api';
import { memoryShape } from './config';

/** What a model remembers of B streams read side by side. Made by `model.memory()`. */
export interface ModelMemory {
  readonly layers: readonly Memory[];
  /** Tokens that each row has read so far. */
  readonly positions: readonly number[];
  /** Tokens that the row which has read most has read. */
  readonly position: number;
  /** Bytes held now: constant for power attention, growing for softmax. */
  readonly bytes: number;
  /** Row `row` becomes what row `fromRow` of `from` is; see `Memory` of @sympow/recurrence. */
  copyRow(row: number, from: ModelMemory, fromRow: number): void;
  /** As `Memory` of @sympow/recurrence has them; absent where one layer has none. */
  readonly way: number | undefined;
  follow(): void;
  /** The public state of every layer, as `layers.N.S` and so on, or all of it as it stands. The memory goes on unchanged. */
  save(options?: SaveOptions): Promise<SavedMemory>;
  dispose(): void;
}

/** What a memory has to know of its model. */
export interface Reader {
  readonly recurrences: readonly Recurrence[];
  readonly backend: Backend;
  readonly config: ModelConfig;
}

export function emptyMemory(model: Reader, B: number): ModelMemory {
  return joinLayers(model, (layer) => layerMemory(model, layer, B));
}

/**
 * A memory that goes on where a saved one stood. Nothing stays allocated if it cannot.
 *
 * @throws ConfigError or ShapeError if it was saved by a model of another shape
 */
export function restoreMemory(model: Reader, saved: SavedMemory): ModelMemory {
  const count = new Set(Object.keys(saved.tensors).map((name) => name.split('.')[1])).size;
  if (count !== model.config.layers) {
    throw new ConfigError({
      what: 'layers in the saved state',
      value: count,
      expected: `${model.config.layers} as in the model`,
    });
  }
  const [first] = Object.values(saved.tensors);
  return joinLayers(model, (layer) => {
    const prefix = `layers.${layer}.`;
    const own = Object.entries(saved.tensors).filter(([name]) => name.startsWith(prefix));
    const tensors = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    return layerMemory(model, layer, first?.shape[0] ?? 1, { position: saved.position, tensors });
  });
}

function layerMemory({ recurrences, backend, config }: Reader, layer: number, B: number, saved?: SavedMemory): Memory {
  return recurrences[layer]!.memory(backend, memoryShape(config, B), saved);
}

function joinLayers({ config }: Reader, memoryOf: (layer: number) => Memory): ModelMemory {
  const layers: Memory[] = [];
  try {
    for (let layer = 0; layer < config.layers; layer++) layers.push(memoryOf(layer));
  } catch (error) {
    for (const memory of layers) memory.dispose();
    throw error;
  }
  return {
    layers,
    get positions() {
      return layers[0]!.positions;
    },
    get position() {
      return layers[0]!.position;
    },
    get bytes() {
      return layers.reduce((sum, { bytes }) => sum + bytes, 0);
    },
    get way() {
      const { way } = layers[0]!;
      return layers.every((layer) => layer.way === way) ? way : undefined;
    },
    follow() {
      for (const layer of layers) layer.follow!();
    },
    copyRow(row, from, fromRow) {
      for (const [layer, memory] of layers.entries()) memory.copyRow(row, from.layers[layer]!, fromRow);
    },
    async save(options) {
      const tensors: Record<string, SavedTensor> = {};
      for (const [layer, memory] of layers.entries()) {
        const saved = await memory.save(options);
        for (const [name, tensor] of Object.entries(saved.tensors)) tensors[`layers.${layer}.${name}`] = tensor;
      }
      const position = options?.row === undefined ? this.position : this.positions[options.row]!;
      return { position, tensors };
    },
    dispose() {
      for (const memory of layers) memory.dispose();
    },
  };
}
