/** A dedicated worker of a page that computes with threads of its own, as an application's would; for tests only. */

import { wasm } from './backend';

globalThis.onmessage = async ({ data: threads }: MessageEvent<number>) => {
  const backend = await wasm({ threads }).open();
  const size = 300;
  const [a, b, y] = [0.5, 2, 0].map((value) => backend.upload(new Float32Array(size * size).fill(value), [size, size]));
  for (let i = 0; i < 20; i++) backend.kernels.matmul({ a: a!, b: b!, y: y! });
  const right = (await y!.read()).every((x) => x === size);
  await backend.close();
  globalThis.postMessage({ right, threads: backend.capabilities.threads });
};
