/** Situations with NaN and infinities: none passes a reset, and none reaches tokens before its own. */

import type { Situation } from './situations';

const documents = { T: 63, power: 2, chunk: 16, gates: 'documents' } as const;
const everywhere = ['q', 'k', 'v', 'gradients'] as const;
/** In two documents; the second reset is inside the chunk of the second. */
const tokens = [12, 37];

export const walls: readonly Situation[] = [
  {
    name: 'NaN in documents',
    ...documents,
    ...{ B: 2, H: 4, G: 2, d: 5, e: 3 },
    poison: { value: NaN, tokens, of: [...everywhere, 'gates'] },
  },
  {
    name: 'infinities in documents',
    ...documents,
    ...{ H: 2, d: 8, e: 9 },
    poison: { value: Infinity, tokens, of: everywhere },
  },
  {
    name: 'NaN in documents of one chunk',
    ...{ T: 200, H: 2, G: 1, d: 7, e: 20, power: 2, chunk: 200, gates: 'documents' },
    poison: { value: NaN, tokens: [50, 120, 160], of: everywhere },
  },
  {
    name: 'NaN in documents, vector gates',
    ...documents,
    vector: true,
    poison: { value: NaN, tokens, of: [...everywhere, 'gates'] },
  },
  { name: 'NaN in documents, p = 4', ...documents, d: 3, power: 4, poison: { value: NaN, tokens, of: everywhere } },
  {
    name: 'NaN in documents, p = 1',
    ...documents,
    ...{ power: 1, normalizer: 'none' },
    poison: { value: NaN, tokens, of: everywhere },
  },
  {
    name: 'an infinite last value',
    ...{ T: 40, power: 2, chunk: 64, fresh: true },
    poison: { value: Infinity, tokens: [39], of: ['v'] },
  },
  {
    name: 'infinite values, two chunks',
    ...{ T: 150, H: 2, G: 1, d: 8, e: 17, power: 2, chunk: 100, gates: 'usual' },
    poison: { value: Infinity, tokens: [70, 149], of: ['v'] },
  },
  {
    name: 'NaN keys and gates without resets',
    ...{ T: 150, H: 2, d: 8, e: 5, power: 2, chunk: 150, gates: 'usual' },
    poison: { value: NaN, tokens: [70, 140], of: ['k', 'gates'] },
  },
  {
    name: 'NaN queries and gradients of single rows',
    ...{ T: 150, d: 8, e: 5, power: 2, chunk: 150 },
    poison: { value: NaN, tokens: [70, 140], of: ['q', 'gradients'] },
  },
  {
    name: 'NaN values under vector gates',
    ...{ T: 65, power: 2, chunk: 64, gates: 'usual', vector: true },
    poison: { value: NaN, tokens: [40], of: ['k', 'v'] },
  },
  {
    name: 'NaN values under steep vector gates',
    ...{ T: 65, power: 2, chunk: 64, gates: 'steep', vector: true },
    poison: { value: NaN, tokens: [40], of: ['k', 'v', 'gradients'] },
  },
];
