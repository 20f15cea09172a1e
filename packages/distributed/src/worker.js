/**
 * The thread that speaks MPI: it makes every call, one collective at a time, in the order in which the caller asked, and sleeps a moment
 * between looks at whether it is done, so that it takes no processor from who computes. Meanwhile it gives and watches for signs of
 * life, and hears when another process gives up. Plain JavaScript, so that the file which a worker is started from is the same one
 * in the sources and in a build.
 *
 * Sums are made here, in the order of the ranks: each process sums its part of the numbers and gives it to all. So they are the same on
 * all to the last bit, and each time, whichever way MPI would take; and 16-bit numbers have float32 sums.
 */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { decode, encode } from './halves.js';
import { bind, ints, memory, Refusal } from './mpi.js';

/**
 * @typedef {import('./mpi.js').Koffi} Koffi
 * @typedef {'float32' | 'float16' | 'bfloat16'} Format
 * @typedef {{ id: number, call: 'allReduce', numbers: Float32Array, operation: 'sum' | 'max', format: Format }} AllReduce
 * @typedef {{ id: number, call: 'broadcast', bytes: Uint8Array, root: number }} Broadcast
 * @typedef {{ id: number, call: 'barrier' | 'close' }} Plain
 * @typedef {{ id: number, call: 'abort', told: string }} Abort
 * @typedef {AllReduce | Broadcast | Plain | Abort} Job
 */

/** Open MPI's constants. */
const serialized = 2;
const anySource = -1;
/** Tags of messages on the communicator of lives. */
const tag = { life: 1, abort: 2 };
/** Numbers of one exchange: what is received takes as much memory again, and signs of life wait for what is computed of it. */
const mostNumbers = 2 ** 20;
const mostHalves = 2 ** 18;
const mostBytes = 2 ** 28;
const mostTold = 2048;
const nameBytes = 256;
/** Milliseconds between signs of life. */
const beat = 1000;
/** Milliseconds between looks at other processes, and the longest sleep within an exchange. */
const glance = 100;
const nap = 1;

/** @type {unknown} */
const given = workerData;
const { control, library, silence } = /** @type {{ control: Int32Array, library?: string, silence: number }} */ (given);
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

/** What the job says to the caller, beside the answers. @param {object} message */
const tell = (message) => port.postMessage(message);

/** @param {Koffi} koffi */
function work(koffi) {
  const mpi = bind(koffi, library);
  mpi.init(null, null, serialized, ints([0]));
  mpi.handler(mpi.world, mpi.returns);
  /** @type {unknown[]} */
  const [data] = copies();
  const [life] = copies();
  /** A communicator of its own, so that no message is taken for another's. @returns {unknown[]} */
  function copies() {
    const out = [null];
    mpi.duplicate(mpi.world, out);
    mpi.handler(out[0], mpi.returns);
    return out;
  }
  const [rank, size] = [ints([0]), ints([0])];
  mpi.rank(data, rank);
  mpi.size(data, size);
  const [me = 0, all = 1] = [rank[0], size[0]];

  const done = ints([0]);
  /** A call under way, which keeps what MPI was given until it is done with it. @param {(request: BigUint64Array) => unknown[]} start */
  const request = (start) => {
    const own = new BigUint64Array(memory(8));
    const held = start(own);
    return {
      own,
      held,
      done() {
        mpi.test(own, done, null);
        return done[0] !== 0;
      },
    };
  };
  /** @param {(request: BigUint64Array) => unknown[]} start @returns {Generator<void, void, void>} */
  function* finished(start) {
    const under = request(start);
    while (!under.done()) yield;
  }

  /** @type {Map<string, SharedArrayBuffer>} */
  const spaces = new Map();
  /** Memory that is used again, as one exchange is under way at a time: new memory costs more than what is done with it. */
  const space = (/** @type {string} */ name, /** @type {number} */ bytes) => {
    const known = spaces.get(name);
    if (known && known.byteLength >= bytes) return known;
    const made = memory(bytes);
    spaces.set(name, made);
    return made;
  };

  /** Sums or maxima of up to `mostNumbers`. @param {Float32Array} numbers @param {unknown} operation */
  function* exchange(numbers, operation) {
    const { counts, starts } = parts(numbers.length, all);
    const own = counts[me] ?? 0;
    const received = new Float32Array(space('received', 4 * own * all), 0, own * all);
    const ownCounts = ints(counts.map(() => own));
    const ownStarts = ints(counts.map((_, r) => r * own));
    yield* finished((request) =>
      mpi.allToAll(...[numbers, counts, starts, mpi.float, received, ownCounts, ownStarts, mpi.float, data, request]),
    );
    const sum = received.subarray(0, own);
    for (let r = 1; r < all; r++) mpi.reduce(received.subarray(r * own, (r + 1) * own), sum, own, mpi.float, operation);
    yield* finished((request) => mpi.allGather(sum, own, mpi.float, numbers, counts, starts, mpi.float, data, request));
  }

  /**
   * The same in 16 bits, of which each part has its own power of two in front: the gradients of a large model lie below what float16
   * can tell from zero. @param {Float32Array} numbers @param {'float16' | 'bfloat16'} format
   */
  function* exchangeHalves(numbers, format) {
    const { counts, starts } = parts(numbers.length, all, 2);
    const own = counts[me] ?? 0;
    const wide = ints(counts.map((count) => 4 + 2 * count));
    const wideStarts = ints(starts.map((at, r) => 4 * r + 2 * at));
    const sent = new Uint8Array(space('sent', 4 * all + 2 * numbers.length));
    const partOf = (/** @type {number} */ r) => ({
      floats: numbers.subarray(starts[r], (starts[r] ?? 0) + (counts[r] ?? 0)),
      bytes: sent.subarray(wideStarts[r], (wideStarts[r] ?? 0) + (wide[r] ?? 0)),
    });
    for (let r = 0; r < all; r++) encode(format, partOf(r).floats, partOf(r).bytes);
    const ownBytes = 4 + 2 * own;
    const stride = ownBytes + (ownBytes % 4);
    const received = new Uint8Array(space('received', stride * all));
    const [ownCounts, ownStarts] = [ints(counts.map(() => ownBytes)), ints(counts.map((_, r) => r * stride))];
    yield* finished((request) =>
      mpi.allToAll(...[sent, wide, wideStarts, mpi.byte, received, ownCounts, ownStarts, mpi.byte, data, request]),
    );
    const sum = new Float32Array(space('sum', 4 * own), 0, own);
    for (let r = 0; r < all; r++) decode(format, received.subarray(r * stride, r * stride + ownBytes), sum, r === 0);
    const mine = new Uint8Array(space('mine', ownBytes), 0, ownBytes);
    encode(format, sum, mine);
    yield* finished((request) =>
      mpi.allGather(mine, ownBytes, mpi.byte, sent, wide, wideStarts, mpi.byte, data, request),
    );
    for (let r = 0; r < all; r++) decode(format, partOf(r).bytes, partOf(r).floats, true);
  }

  /** @param {AllReduce} job @returns {Generator<void, unknown, void>} */
  function* allReduce({ numbers, operation, format }) {
    const most = format === 'float32' ? mostNumbers : mostHalves;
    for (let from = 0; from < numbers.length; from += most) {
      const segment = numbers.subarray(from, from + most);
      if (format === 'float32') yield* exchange(segment, mpi.operations[operation]);
      else yield* exchangeHalves(segment, format);
    }
    return undefined;
  }

  /** @param {Broadcast} job @returns {Generator<void, unknown, void>} */
  function* broadcast({ bytes, root }) {
    const length = new Float64Array(memory(8)).fill(bytes.length);
    yield* finished((request) => mpi.broadcast(length, 8, mpi.byte, root, data, request));
    const shared = root === me ? bytes : new Uint8Array(memory(length[0] ?? 0), 0, length[0]);
    for (let from = 0; from < shared.length; from += mostBytes) {
      const piece = shared.subarray(from, from + mostBytes);
      yield* finished((request) => mpi.broadcast(piece, piece.length, mpi.byte, root, data, request));
    }
    return root === me ? undefined : shared;
  }

  /** The machine of every process. */
  function* hosts() {
    const own = new Uint8Array(memory(nameBytes + 4));
    mpi.nameOf(own, ints([0]));
    const names = new Uint8Array(memory(nameBytes * all));
    const counts = ints(Array.from({ length: all }, () => nameBytes));
    const starts = ints(Array.from({ length: all }, (_, r) => r * nameBytes));
    yield* finished((request) =>
      mpi.allGather(own, nameBytes, mpi.byte, names, counts, starts, mpi.byte, data, request),
    );
    return Array.from(starts, (at) => textIn(names.slice(at, at + nameBytes)));
  }

  /** Signs of life: all to process 0, and it to all. */
  const peers = Array.from({ length: all }, (_, r) => r).filter((r) => r !== me && (me === 0 || r === 0));
  const sign = new Uint8Array(memory(8), 0, 1);
  const hear = (/** @type {number} */ from) => {
    const into = new Uint8Array(memory(8), 0, 1);
    return request((own) => mpi.receive(into, 1, mpi.byte, from, tag.life, life, own));
  };
  const lives = peers.map((peer) => ({
    peer,
    heard: performance.now(),
    receiving: hear(peer),
    sending: request((own) => mpi.send(sign, 1, mpi.byte, peer, tag.life, life, own)),
  }));
  const told = new Uint8Array(memory(mostTold));
  const givingUp = request((own) => mpi.receive(told, mostTold, mpi.byte, anySource, tag.abort, life, own));
  let looked = performance.now();
  let beaten = looked;
  let over = false;
  const look = () => {
    const now = performance.now();
    if (over || now - looked < glance) return;
    // Who was stopped itself has heard nobody.
    const stopped = now - looked > silence / 2;
    looked = now;
    const beats = now - beaten >= beat;
    if (beats) beaten = now;
    if (givingUp.done()) {
      over = true;
      tell({ type: 'aborted', told: textIn(told.slice()) });
      return;
    }
    for (const each of lives) {
      while (each.receiving.done()) {
        each.heard = now;
        each.receiving = hear(each.peer);
      }
      if (stopped) each.heard = now;
      if (beats && each.sending.done())
        each.sending = request((own) => mpi.send(sign, 1, mpi.byte, each.peer, tag.life, life, own));
      if (now - each.heard <= silence) continue;
      over = true;
      tell({ type: 'silent', peer: each.peer, silence });
      return;
    }
  };

  /** Tells all others why it ends. @param {Abort} job @returns {Generator<void, unknown, void>} */
  function* abort({ told }) {
    over = true;
    const text = new Uint8Array(memory(mostTold));
    text.set(new TextEncoder().encode(told).subarray(0, mostTold - 1));
    const others = Array.from({ length: all }, (_, r) => r).filter((r) => r !== me);
    const sending = others.map((r) => request((own) => mpi.send(text, mostTold, mpi.byte, r, tag.abort, life, own)));
    while (!sending.every((each) => each.done())) yield;
    return undefined;
  }

  /** @returns {Generator<void, unknown, void>} */
  function* close() {
    yield* finished((request) => mpi.barrier(data, request));
    over = true;
    for (const { own } of [givingUp, ...lives.map(({ receiving }) => receiving)]) {
      mpi.cancel(own);
      mpi.test(own, done, null);
    }
    mpi.finalize();
    return undefined;
  }

  /** @param {Job} job @returns {Generator<void, unknown, void>} */
  function start(job) {
    if (job.call === 'allReduce') return allReduce(job);
    if (job.call === 'broadcast') return broadcast(job);
    if (job.call === 'abort') return abort(job);
    if (job.call === 'close') return close();
    return finished((request) => mpi.barrier(data, request));
  }

  /** @type {Job[]} */
  const waiting = [];
  /** @type {{ id: number, steps: Generator<void, unknown, void> } | undefined} */
  let current = { id: 0, steps: opening() };
  function* opening() {
    return { rank: me, size: all, hosts: yield* hosts(), version: mpi.version };
  }
  /** What is not waited for any more, and MPI may still write to. @type {unknown[]} */
  const abandoned = [];
  let sleep = 0;
  for (;;) {
    const seen = Atomics.load(control, 0);
    for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) {
      const job = /** @type {{ message: Job }} */ (/** @type {unknown} */ (got)).message;
      // What is under way then will not be done.
      if (job.call === 'abort') {
        waiting.length = 0;
        abandoned.push(current);
        current = { id: job.id, steps: start(job) };
      } else waiting.push(job);
    }
    look();
    /** @type {Job | undefined} */
    const next = current ? undefined : waiting.shift();
    if (next) {
      current = { id: next.id, steps: start(next) };
      sleep = 0;
    }
    if (!current) {
      Atomics.wait(control, 0, seen, glance);
      continue;
    }
    const { done: ended, value } = current.steps.next();
    if (!ended) {
      // At once for a while, then after sleeps that grow.
      sleep = Math.min(nap, sleep === 0 ? 1e-6 : sleep * 1.5);
      if (sleep > 0.005) Atomics.wait(control, 0, seen, sleep);
      continue;
    }
    tell({ type: 'done', id: current.id, value });
    if (over) return;
    current = undefined;
    sleep = 0;
  }
}

/**
 * Equal parts of so many numbers, one for each process.
 *
 * @param {number} length
 * @param {number} all
 * @param {number} unit of which every part but the last is a multiple
 */
function parts(length, all, unit = 1) {
  const starts = ints(Array.from({ length: all }, (_, r) => unit * Math.floor((r * length) / all / unit)));
  const counts = ints(Array.from(starts, (at, r) => (starts[r + 1] ?? length) - at));
  return { counts, starts };
}

/** @param {Uint8Array} bytes up to the first 0 */
const textIn = (bytes) =>
  new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0) < 0 ? undefined : bytes.indexOf(0)));

/** @param {unknown} error */
function fail(error) {
  if (!(error instanceof Refusal)) throw error;
  tell({ type: 'failed', details: error.details });
}

import('koffi').then(
  (module) => {
    try {
      work(module.default);
    } catch (error) {
      fail(error);
    }
  },
  (error) =>
    fail(
      new Refusal({
        what: 'the package koffi',
        value: String(error),
        message: 'the package koffi, which calls MPI, cannot be loaded',
        expected: 'it beside sympow',
        remedy: 'Install it with npm install koffi.',
      }),
    ),
);
