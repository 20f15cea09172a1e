// The page: it asks the worker for text and shows what comes. Nothing is computed here, so it never stands still.
import type { Said } from './worker.ts';

const status = document.querySelector<HTMLElement>('#status')!;
const text = document.querySelector('#text')!;
const button = document.querySelector('button')!;
const form = document.querySelector('form')!;

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = ({ data: said }: MessageEvent<Said>) => {
  if ('piece' in said) text.append(said.piece);
  else status.textContent = said.status;
  button.disabled = false;
};
worker.onerror = ({ message }) => (status.textContent = message);

// public/checkpoint is a folder as model.save, `sympow train` and Hugging Face's library write it; it may lie on any server.
worker.postMessage({ address: new URL('checkpoint', document.baseURI).href });

form.onsubmit = (event) => {
  event.preventDefault();
  button.disabled = true;
  const prompt = form.querySelector('input')!.value;
  text.textContent = prompt;
  worker.postMessage({ prompt });
};
