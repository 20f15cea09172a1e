// The formula of sampleToken.
import { philox4x32 } from '@sympow/kernels';
import { sum, type Arguments } from './formula.cases';

/** The 53 bits that a row draws: two words from its place on. */
function drawnBy({ of }: Arguments, row: number): number {
  const word = (i: number) => BigInt.asUintN(32, BigInt(of.random!(row, i)));
  const wordAt = (position: bigint) => {
    const block = position / 4n;
    const counter = [block & 0xffffffffn, block >> 32n, word(4), word(5)].map(Number);
    const key = [word(0), word(1)].map(Number);
    return BigInt(philox4x32(Uint32Array.from(counter), Uint32Array.from(key))[Number(position % 4n)]!);
  };
  const position = word(2) + (word(3) << 32n);
  return Number(((wordAt(position) >> 5n) << 26n) + (wordAt(position + 1n) >> 6n)) / 2 ** 53;
}

/** Every token by falling probability, the filters one after the other, and what is drawn from those left. */
export function sampled(each: Arguments, row: number): { id: number; logProbability: number } {
  const { of, shape } = each;
  const V = shape.logits![1]!;
  const logits = Array.from({ length: V }, (_, i) => of.logits!(row, i));
  const top = Math.max(...logits);
  if (!Number.isFinite(top)) return { id: -1, logProbability: NaN };
  const [temperature, topK, topP, minP] = [0, 1, 2, 3].map((i) => of.settings!(row, i)) as [
    number,
    number,
    number,
    number,
  ];
  const logProbability = (id: number) => logits[id]! - top - Math.log(sum(V, (i) => Math.exp(logits[i]! - top)));
  const best = logits.indexOf(top);
  if (temperature === 0) return { id: best, logProbability: logProbability(best) };
  const weight = (i: number) => Math.exp((logits[i]! - top) / temperature);
  const running = (tokens: readonly number[]) => {
    let total = 0;
    return tokens.map((token) => (total += weight(token)));
  };
  const ranked = [...logits.keys()].sort((a, b) => weight(b) - weight(a) || a - b).slice(0, topK);
  const sums = running(ranked);
  const enough = sums.findIndex((total) => total >= topP * sums.at(-1));
  const left = (topP < 1 ? ranked.slice(0, enough + 1) : ranked).filter((i) => weight(i) >= minP);
  // In the order of tokens where nothing is filtered.
  const order = topK < V || topP < 1 || minP > 0 ? left : [...left].sort((a, b) => a - b);
  const mass = running(order);
  const bound = drawnBy(each, row) * mass.at(-1);
  const id = order[mass.findIndex((total) => total > bound)]!;
  return { id, logProbability: logProbability(id) };
}
