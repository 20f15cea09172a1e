/** Memory over time: of training after 1, 10 and 100 steps, of generation after 10 and many tokens. */

import { generate, Session } from '@sympow/inference';
import type { Benchmark, Result } from '../benchmark';
import { WrongResult } from '../check';
import { collectGarbage } from '../measure';
import { modelOf, smallModel, Training } from '../training';

const batch = { B: 1, T: 64 };

export const memory: Benchmark = {
  name: 'memory',
  summary: 'bytes after 1, 10 and 100 training steps, and after 10 and 10,000 generated tokens',
  onBackend: true,
  async *run({ backend, quick, say }) {
    /** What the backend counts as live, and what the process holds. */
    const look = () => {
      collectGarbage();
      return { live: backend.memory().liveBytes, process: process.memoryUsage.rss() };
    };
    const rows = function* (
      shape: string,
      now: ReturnType<typeof look>,
      then: ReturnType<typeof look>,
      peerName: string,
    ) {
      if (now.live !== then.live)
        throw new WrongResult(`${shape}: ${now.live} live bytes, but ${then.live} ${peerName}`);
      yield { shape: `${shape}, live`, ours: now.live, peer: then.live, peerName, unit: 'bytes' } satisfies Result;
      yield {
        shape: `${shape}, process`,
        ours: now.process,
        peer: then.process,
        peerName,
        unit: 'bytes',
      } satisfies Result;
    };

    const training = new Training(backend, smallModel('conformal', 1), batch);
    say('training');
    training.step();
    await training.settle();
    const first = look();
    for (let step = 2; step <= 100; step++) {
      training.step();
      await training.settle();
      if (step === 10 || step === 100) yield* rows(`${step} training steps`, look(), first, 'after 1');
    }
    training.dispose();

    const model = modelOf(backend, smallModel('conformal', 1));
    const own = model.memory();
    const last = quick ? 500 : 10_000;
    say(`generating ${last} tokens`);
    let few: ReturnType<typeof look> | undefined;
    let count = 0;
    for await (const _ of generate(model, {
      prompt: [32],
      maxTokens: last,
      session: new Session(model, own),
      seed: 1,
    })) {
      count++;
      if (count === 10) few = look();
      if (count === last) yield* rows(`${last} generated tokens`, look(), few!, 'after 10');
    }
    own.dispose();
    model.dispose();
  },
};
