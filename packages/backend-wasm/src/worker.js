/**
 * What a thread runs: it takes parts of the job at hand until there are none, and sleeps. Plain JavaScript, so that the
 * file which a worker is started from is the same one in the sources and in a build.
 *
 * The protocol is in crew.ts.
 */

/** Words of the control block; see crew.ts. */
const word = {
  claim: 0,
  done: 1,
  parts: 2,
  kernel: 3,
  grain: 4,
  tasks: 5,
  count: 6,
  space: 7,
  bytes: 8,
  failed: 9,
  quit: 10,
};
const partBits = 14;
const partMask = 2 ** partBits - 1;
/** How often to look for the next job before going to sleep: some tens of microseconds. */
const looks = 3000;

/**
 * @typedef {{ module: WebAssembly.Module, memory: WebAssembly.Memory, control: SharedArrayBuffer, names: string[], index: number }} Start
 * @param {Start} start
 * @param {() => void} ready
 */
function work({ module, memory, control, names, index }, ready) {
  const words = new Int32Array(control, 0, 16);
  const numbers = new Float64Array(control, 64);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = /** @type {Record<string, (...args: number[]) => void>} */ (/** @type {unknown} */ (exports));
  ready();
  for (;;) {
    let claim = Atomics.load(words, word.claim);
    for (let i = 0; (claim & partMask) === 0; i++) {
      if (Atomics.load(words, word.quit) !== 0) return;
      if (i >= looks) Atomics.wait(words, word.claim, claim);
      claim = Atomics.load(words, word.claim);
    }
    // Read before the claim: where that succeeds, the job was still this one, and its words do not change while parts are left.
    const args = Array.from(numbers.subarray(0, words[word.count]));
    const [parts = 0, kernel = 0, grain = 0, tasks = 0] = words.subarray(word.parts, word.tasks + 1);
    const [space = 0, bytes = 0] = words.subarray(word.space, word.bytes + 1);
    if (Atomics.compareExchange(words, word.claim, claim, claim - 1) !== claim) continue;
    const from = (parts - (claim & partMask)) * grain;
    try {
      kernels.workspace?.((space >>> 0) + index * bytes, bytes);
      kernels[names[kernel] ?? '']?.(from, Math.min(tasks, from + grain), ...args);
    } catch {
      Atomics.store(words, word.failed, 1);
    }
    if (Atomics.add(words, word.done, 1) + 1 === parts) Atomics.notify(words, word.done);
  }
}

/** What is thrown here is an error of the worker, of which the one who started it hears. */
const unreadable = () => {
  throw new Error('a message that the thread cannot read');
};

const port = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort;
if (port) {
  port.once('messageerror', unreadable);
  port.once('message', (/** @type {Start} */ start) => work(start, () => port.postMessage('ready')));
} else {
  globalThis.onmessageerror = unreadable;
  globalThis.onmessage = (/** @type {MessageEvent<Start>} */ { data }) =>
    work(data, () => globalThis.postMessage('ready'));
}
