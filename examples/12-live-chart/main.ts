// The page: a line that grows with every step of the worker, and what the model writes at the end.
import type { Said } from './worker.ts';

const status = document.querySelector<HTMLElement>('#status')!;
const line = document.querySelector('polyline')!;
const { width, height } = document.querySelector('svg')!.viewBox.baseVal;
const button = document.querySelector('button')!;

const losses: number[] = [];

/** Loss from 0 at the bottom to the first one at the top. */
function draw(steps: number): void {
  const point = (loss: number, i: number) => `${(i / (steps - 1)) * width},${height * (1 - loss / losses[0]!)}`;
  line.setAttribute('points', losses.map(point).join(' '));
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = ({ data: said }: MessageEvent<Said>) => {
  if ('text' in said) {
    document.querySelector('#text')!.textContent = said.text;
    button.disabled = true;
  } else {
    const { step, steps, loss, tokensPerSecond } = said;
    losses.push(loss);
    draw(steps);
    status.textContent = `Step ${step} of ${steps}: ${loss.toFixed(2)} nats, ${Math.round(tokensPerSecond)} tokens/s`;
  }
};
worker.onerror = ({ message }) => (status.textContent = message);

worker.postMessage(
  `The sun was warm, the sea was wide,
the boat went out with the morning tide.
`.repeat(40),
);
button.onclick = () => worker.postMessage('stop');
