import { expect, it } from 'vitest';

it('a page draws its frames while a worker trains 100 steps', async () => {
  const worker = new Worker(new URL('./trainingWorker.cases.ts', import.meta.url), { type: 'module' });
  const losses: number[] = [];
  let frames = 0;
  let longest = 0;
  const finished = new Promise<void>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }: MessageEvent<number>) => losses.push(data) === 100 && resolve();
  });
  let last = performance.now();
  let drawing = true;
  const frame = () => {
    const now = performance.now();
    // Only while the GPU has work: compiling and fetching come before the first step.
    if (losses.length > 0) {
      frames++;
      longest = Math.max(longest, now - last);
    }
    last = now;
    if (drawing) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  await finished;
  drawing = false;
  worker.terminate();
  expect(losses.at(-1)).toBeLessThan(losses[0]! - 1);
  expect(frames).toBeGreaterThan(20);
  expect(longest).toBeLessThan(1000);
}, 300_000);
