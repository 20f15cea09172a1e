/** The three forms of the power recurrence over the length of a sequence, and whether `auto` takes the fastest. */

import { embeddedSize } from '@sympow/embedding';
import { chooseForm, defaultChunk, flopsOf, type Form, type FormSizes } from '@sympow/recurrence';
import type { Benchmark } from '../benchmark';
import { heat, race, type Side } from '../measure';
import { directions, passes, SequenceTrial, type Direction } from '../sequenceTrial';
import { squareProduct } from '../squareProduct';

const [power, d, e] = [2, 32, 32];
const D = embeddedSize(d, power);

export const attention: Benchmark = {
  name: 'attention',
  summary: `attention, chunked and recurrent over T (p=${power}, d=${d}, gated, one head)`,
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const C = defaultChunk(D);
    const sizesOf = (T: number): FormSizes => ({ T, C, d, e, D, initialState: false, finalState: false });
    const chosen = (T: number) => chooseForm('auto', sizesOf(T)) as 'attention' | 'chunked';
    const product = squareProduct(backend, quick ? 256 : 512);
    const chunkedWins: Record<Direction, number[]> = { forward: [], 'forward+backward': [] };
    const first = new SequenceTrial(backend, { T: 512, d, power });
    const every: readonly Form[] = ['attention', 'chunked', 'recurrent'];
    await heat(
      every.map((form) => first.side(form, 'forward+backward')),
      pace,
    );
    first.dispose();
    for (const T of quick ? [64, 512, 1536] : [64, 256, 512, 1024, 2048, 4096]) {
      const auto = chosen(T);
      const other = auto === 'attention' ? 'chunked' : 'attention';
      for (const direction of directions) {
        const forms: Form[] = [auto, other];
        // Going back, the recurrent form holds one state per token.
        if (T <= (quick ? 64 : direction === 'forward' ? Infinity : 1024)) forms.push('recurrent');
        const trial = new SequenceTrial(backend, { T, d, power });
        for (const form of forms) await trial.check(form, direction);
        const sides: Record<string, Side> = { [product.name]: product.side };
        for (const form of forms) sides[form] = trial.side(form, direction);
        const seconds = await race(sides, { ...pace, budget: pace.budget / 2 });
        trial.dispose();

        // Up to a chunk, both are the same computation.
        if (T > C && seconds.chunked! < seconds.attention!) chunkedWins[direction].push(T);
        const verdict = T <= C ? 'one chunk' : seconds[auto]! <= seconds[other]! ? 'the faster one' : 'the slower one';
        say(`T=${T} ${direction}: auto takes ${auto}, ${verdict}`);
        const shape = `T=${T} ${direction}, auto is ${auto}`;
        for (const peer of forms.slice(1)) {
          yield { shape, ours: 1e3 * seconds[auto]!, peer: 1e3 * seconds[peer]!, peerName: peer, unit: 'ms' };
        }
        const flops = flopsOf(auto, sizesOf(T)) * passes[direction];
        const gflops = { ours: flops / seconds[auto]! / 1e9, peer: product.flops / seconds[product.name]! / 1e9 };
        yield { shape, ...gflops, peerName: product.name, unit: 'GFLOP/s' };
      }
    }
    product.dispose();
    let change = 1;
    while (chosen(change) === 'attention') change++;
    for (const [direction, wins] of Object.entries(chunkedWins)) {
      say(
        `${direction}: auto takes chunked from T=${change} on; of those measured it was faster at ${wins.join(', ')}`,
      );
    }
  },
};
