// The worker: the model comes over http the first time, and from the browser's own file system (OPFS) from then on.
import { load, type TextModel } from '@sympow/start';
import { httpStorage, opfsStorage } from '@sympow/storage';

/** What the page asks, and what it is told. */
export type Asked = { readonly address: string } | { readonly prompt: string };
export type Said = { readonly status: string } | { readonly piece: string };

const tell = (said: Said): void => postMessage(said);
let opened: Promise<TextModel> | undefined;

async function open(address: string): Promise<TextModel> {
  const kept = opfsStorage('models/star');
  // Written last, so the folder is whole where it is there.
  const whole = (await kept.size('checksums.json')) !== undefined;
  const model = await load(whole ? kept : httpStorage(address));
  tell({ status: `Loaded ${whole ? 'from this browser' : 'over http'}, computes with ${model.model.backend.name}.` });
  if (!whole) await model.save(kept);
  return model;
}

onmessage = async ({ data: asked }: MessageEvent<Asked>) => {
  try {
    if ('address' in asked) await (opened = open(asked.address));
    else {
      const model = await opened!;
      for await (const piece of model.stream(asked.prompt, { maxTokens: 60, temperature: 0 })) tell({ piece });
      tell({ status: 'Written.' });
    }
  } catch (error) {
    tell({ status: (error as Error).message });
  }
};
