// A backend of your own: one that wraps another and says which kernels take the time. Everything runs on it unchanged.
import { textSource } from '@sympow/data';
import { js, type Backend, type BackendFactory } from '@sympow/kernels';
import { Model, modelConfig } from '@sympow/model';
import { train } from '@sympow/training';

interface Profile {
  launches: number;
  ms: number;
}

/** The factory of a backend that keeps time of another one's kernels in `profiles`. */
function profiled(inner: BackendFactory, profiles: Map<string, Profile>): BackendFactory {
  return {
    name: `profiled ${inner.name}`,
    async open(): Promise<Backend> {
      const backend = await inner.open();
      const kernels = Object.entries(backend.kernels).map(([name, kernel]) => {
        const profile: Profile = { launches: 0, ms: 0 };
        profiles.set(name, profile);
        const timed = (args: never): void => {
          const start = performance.now();
          (kernel as (args: never) => void)(args);
          profile.ms += performance.now() - start;
          profile.launches++;
        };
        return [name, timed] as const;
      });
      // In the backend itself: its tensors know it, and what runs by way of them is timed too.
      return Object.defineProperty(backend, 'kernels', { value: Object.fromEntries(kernels) });
    },
  };
}

const profiles = new Map<string, Profile>();
const backend = await profiled(js(), profiles).open();
const shape = { vocabSize: 256, hiddenSize: 32, layers: 2, heads: 2, headSize: 16 };
const model = Model.create(backend, modelConfig(shape), { seed: 1 });
const data = textSource('What takes the time? '.repeat(50));
for await (const event of train({ model, data, batch: 2, context: 32, steps: 5 })) {
  if (event.type === 'end') console.log(`${event.step} steps`); // '5 steps'
}

const slowest = [...profiles].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 5);
for (const [name, { launches, ms }] of slowest) console.log(`${name}: ${launches} launches, ${ms.toFixed(1)} ms`); // such as matmul: 300 launches, 80.1 ms
console.log(profiles.get('adamw')?.launches); // 5
await backend.close();
