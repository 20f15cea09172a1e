// Checkpoints that go out and come in: as files, and from an address.

import { messageOf } from '@sympow/core';
import type { TextModel } from '@sympow/start';
import { httpStorage, isAddress, lastName, memoryStorage, openFile, type Storage } from '@sympow/storage';
import type { GivenFile } from './messages';
import { folderNameOf, pack, unpack } from './tar';

/** Asked again twice where a server does not answer: a second in all, as somebody waits. */
const retries = 2;

/** The folder that the command line reads, as one file. */
export async function packed(text: TextModel, name: string): Promise<GivenFile> {
  const storage = memoryStorage();
  await text.save(storage);
  const folder = folderNameOf(name);
  const names = await storage.list();
  const files = await Promise.all(names.map(async (each) => ({ name: each, bytes: await storage.read(each) })));
  return { name: `${folder}.tar`, bytes: pack(folder, files) };
}

/** The folder that files are, or that is packed in one. @throws Error where they are no checkpoint */
export async function folderOf(files: readonly GivenFile[]): Promise<Storage> {
  const storage = memoryStorage('the files');
  const all = files.flatMap((file) => (file.name.endsWith('.tar') ? unpack(file.bytes) : [file]));
  for (const { name, bytes } of all) await storage.write(name, bytes);
  if (!all.some(({ name }) => name === 'config.json') || !all.some(({ name }) => name.endsWith('.safetensors'))) {
    throw new Error(
      `${files.map(({ name }) => name).join(', ')}: no checkpoint. Choose the .tar that this page gave, or config.json, model.safetensors and tokenizer.json together.`,
    );
  }
  return storage;
}

/** What opens a checkpoint at an address: of its folder, of a file in it, or of a `.tar`. @throws Error for what is no address */
export async function folderAt(
  address: string,
  signal: AbortSignal,
): Promise<{ readonly storage: Storage; readonly name: string }> {
  if (!isAddress(address) || !URL.canParse(address)) {
    throw new Error(`“${address}” is no address. Expected that of a folder with config.json in it, as https://…`);
  }
  const http = { retries, signal };
  const name = lastName(address);
  if (name.endsWith('.tar')) {
    const { storage } = openFile(address, { http });
    return { storage: await folderOf([{ name, bytes: await storage.read(name) }]), name };
  }
  const inside = /\.(json|safetensors)$/.test(name);
  const storage = inside ? openFile(address, { http }).storage : httpStorage(address, http);
  return { storage, name: lastName(storage.path) || new URL(address).host };
}

/** What a browser does not say of a server that it may not read from. */
export function aboutServer(error: unknown): Error {
  const message = messageOf(error);
  const asked = /Failed to fetch|NetworkError|Load failed/.test(message);
  const why = ' Either it is not there, or it does not let other pages read it (CORS: Access-Control-Allow-Origin).';
  return new Error(asked ? message + why : message, { cause: error });
}
