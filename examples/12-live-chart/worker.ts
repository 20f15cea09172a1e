// The worker: trains on the text that the page sends, and says after every step where it is.
import { fit, type StepEvent } from '@sympow/start';

export type Said = StepEvent | { readonly text: string };

const tell = (said: Said): void => postMessage(said);
const stop = new AbortController();

onmessage = ({ data }: MessageEvent<string>) => {
  if (data === 'stop') stop.abort();
  else void run(data);
};

async function run(text: string): Promise<void> {
  // A step is an event: between two of them the worker hears what the page says.
  const model = await fit(text, { steps: 120, context: 64, onStep: tell, signal: stop.signal });
  tell({ text: await model.generate('The sun', { maxTokens: 80, temperature: 0 }) });
  await model.close();
}
