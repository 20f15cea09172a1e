/**
 * Running sums over time, each element for itself: log gates with their resets, and rotary phases in turns.
 *
 * Sums that run over all of history are taken in two levels, runs of about √T tokens and what is left of the last run. A sum
 * that needs more digits than a float32 has is a head and a tail: with s = a + b rounded, the rounding error is
 * (a − (s − z)) + (b − z), z = s − a (Knuth); a product's is found by splitting its factors into halves (Dekker).
 */

import type { GateSums, Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';
import type { Storage } from '../storage';

type Runs = Sized<'T' | 'W' | 'run' | 'runs'>;

/** Grid [W, runs, B]: the latest token of a run whose gate is 0, or −1. */
function latestOfRun(this: Runs, logGate: Floats): number {
  let latest = -1;
  for (let i = 0; i < this.constants.run; i++) {
    const t = this.thread.y * this.constants.run + i;
    if (t < this.constants.T) {
      const log = logGate[(this.thread.z * this.constants.T + t) * this.constants.W + this.thread.x]!;
      if (log < -87) latest = t;
    }
  }
  return latest;
}

/** Grid [W, T, B]: the latest token m ≤ t whose gate is 0, or −1. */
function latestReset(this: Runs, logGate: Floats, ofRun: Floats): number {
  let latest = -1;
  const full = Math.floor((this.thread.y + 0.5) / this.constants.run);
  for (let r = 0; r < full; r++) {
    latest = Math.max(latest, ofRun[(this.thread.z * this.constants.runs + r) * this.constants.W + this.thread.x]!);
  }
  for (let t = full * this.constants.run; t <= this.thread.y; t++) {
    const log = logGate[(this.thread.z * this.constants.T + t) * this.constants.W + this.thread.x]!;
    if (log < -87) latest = t;
  }
  return latest;
}

/** Grid [W, T, 2·B], the heads' plane first: Σ log γ since the chunk's first token or the last reset. */
function gateSums(this: Sized<'T' | 'W' | 'B' | 'chunk'>, logGate: Floats, start: Floats, one: number): number {
  const plane = Math.floor((this.thread.z + 0.5) / this.constants.B);
  const row = (this.thread.z - plane * this.constants.B) * this.constants.T;
  const chunk = Math.floor((this.thread.y + 0.5) / this.constants.chunk) * this.constants.chunk;
  const from = Math.max(chunk, start[(row + this.thread.y) * this.constants.W + this.thread.x]! + 1);
  let head = 0;
  let tail = 0;
  for (let t = from; t <= this.thread.y; t++) {
    const term = logGate[(row + t) * this.constants.W + this.thread.x]!;
    const sum = Math.fround(head + term);
    const shadow = Math.fround(sum * one - head);
    const rest = Math.fround(sum * one - shadow);
    tail += Math.fround(head - rest) + (term - shadow);
    head = sum;
  }
  const value = Math.fround(head + tail);
  if (plane > 0) return tail - Math.fround(value * one - head);
  return value;
}

/** Grid [W, T, B]: Σ of dA over the later tokens of the same chunk that the same reset leaves in sight; 0 at resets. */
function gateGradient(this: Sized<'T' | 'W' | 'chunk'>, dA: Floats, start: Floats): number {
  const row = this.thread.z * this.constants.T;
  const own = start[(row + this.thread.y) * this.constants.W + this.thread.x]!;
  if (own === this.thread.y) return 0;
  const chunk = Math.floor((this.thread.y + 0.5) / this.constants.chunk) * this.constants.chunk;
  const end = Math.min(chunk + this.constants.chunk, this.constants.T);
  let sum = 0;
  for (let t = this.thread.y + 0; t < end; t++) {
    if (start[(row + t) * this.constants.W + this.thread.x]! === own) {
      sum += dA[(row + t) * this.constants.W + this.thread.x]!;
    }
  }
  return sum;
}

/** Grid [W, runs, 2·B]: Σ β over a run, as head and tail. */
function betaOfRun(this: Sized<'T' | 'W' | 'B' | 'run'>, beta: Floats, one: number): number {
  const plane = Math.floor((this.thread.z + 0.5) / this.constants.B);
  const row = (this.thread.z - plane * this.constants.B) * this.constants.T;
  let head = 0;
  let tail = 0;
  for (let i = 0; i < this.constants.run; i++) {
    const t = this.thread.y * this.constants.run + i;
    if (t < this.constants.T) {
      const term = beta[(row + t) * this.constants.W + this.thread.x]!;
      const sum = Math.fround(head + term);
      const shadow = Math.fround(sum * one - head);
      const rest = Math.fround(sum * one - shadow);
      tail += Math.fround(head - rest) + (term - shadow);
      head = sum;
    }
  }
  const value = Math.fround(head + tail);
  if (plane > 0) return tail - Math.fround(value * one - head);
  return value;
}

/** Grid [W, T, 2·B]: Σ_{m ≤ t} β_m, as head and tail. */
function betaSum(this: Sized<'T' | 'W' | 'B' | 'run' | 'runs'>, beta: Floats, ofRun: Floats, one: number): number {
  const plane = Math.floor((this.thread.z + 0.5) / this.constants.B);
  const b = this.thread.z - plane * this.constants.B;
  const full = Math.floor((this.thread.y + 0.5) / this.constants.run);
  const left = this.thread.y - full * this.constants.run + 1;
  let head = 0;
  let tail = 0;
  for (let i = 0; i < full + left; i++) {
    let term = 0;
    if (i < full) {
      term = ofRun[(b * this.constants.runs + i) * this.constants.W + this.thread.x]!;
      tail += ofRun[((this.constants.B + b) * this.constants.runs + i) * this.constants.W + this.thread.x]!;
    } else {
      const t = full * this.constants.run + i - full;
      term = beta[(b * this.constants.T + t) * this.constants.W + this.thread.x]!;
    }
    const sum = Math.fround(head + term);
    const shadow = Math.fround(sum * one - head);
    const rest = Math.fround(sum * one - shadow);
    tail += Math.fround(head - rest) + (term - shadow);
    head = sum;
  }
  const value = Math.fround(head + tail);
  if (plane > 0) return tail - Math.fround(value * one - head);
  return value;
}

type Phases = Sized<'B' | 'T' | 'G' | 'half' | 'W' | 'times' | 'stepped' | 'tailed' | 'begun' | 'resumed' | 'final'>;

/**
 * Grid [d/2, G, B·times]: phase + Σβ·θ/2π modulo 1 for every token, `times` being T. With `final` it is that after the last
 * token, grid [d/2, G, 2·B], as head and tail. 1/2π is 0.1591796875 − 0.000024750828742980957 + 6.420638326565253e-9.
 */
function phases(this: Phases, beta: Floats, theta: Floats, thetaTail: Floats, phase: Floats, one: number): number {
  let b = Math.floor((this.thread.z + 0.5) / this.constants.times);
  let token = this.thread.z - b * this.constants.times;
  let plane = 0;
  if (this.constants.final > 0) {
    plane = Math.floor((this.thread.z + 0.5) / this.constants.B);
    b = this.thread.z - plane * this.constants.B;
    token = this.constants.T - 1;
  }
  const column = this.thread.y * this.constants.half + this.thread.x;
  let n = token + 1;
  let nTail = 0;
  if (this.constants.stepped > 0 && token >= 0) {
    let at = (b * this.constants.T + token) * this.constants.W + this.thread.y;
    if (this.constants.W > this.constants.G) at = (b * this.constants.T + token) * this.constants.W + column;
    n = beta[at]!;
    nTail = beta[this.constants.B * this.constants.T * this.constants.W + at]!;
  }
  const rate = theta[column]!;
  // rate/2π, with what rounding takes from it
  const rateBig = Math.fround(4097 * rate);
  const rateHead = Math.fround(rateBig - one * Math.fround(rateBig - rate));
  const rateRest = rate - rateHead;
  const p = Math.fround(rate * 0.15915493667125702);
  let low = Math.fround(rateHead * 0.1591796875 - one * p) - rateHead * 0.000024750828742980957;
  low = low + rateRest * 0.15915493667125702;
  low = low + rate * 6.420638326565253e-9;
  if (this.constants.tailed > 0) low = low + thetaTail[column]! * 0.15915493667125702;
  // n·p likewise
  const nBig = Math.fround(4097 * n);
  const nHead = Math.fround(nBig - one * Math.fround(nBig - n));
  const nRest = n - nHead;
  const pBig = Math.fround(4097 * p);
  const pHead = Math.fround(pBig - one * Math.fround(pBig - p));
  const pRest = p - pHead;
  const q = Math.fround(n * p);
  let rest = Math.fround(nHead * pHead - one * q) + nHead * pRest;
  rest = rest + nRest * pHead + nRest * pRest;
  rest = rest + n * low + nTail * p;
  const whole = q - Math.floor(q + 0.5);
  let start = 0;
  if (this.constants.begun > 0) {
    const at = b * this.constants.G * this.constants.half + column;
    start = phase[at]!;
    if (this.constants.resumed > 0) {
      rest = rest + phase[this.constants.B * this.constants.G * this.constants.half + at]!;
    }
  }
  const sum = Math.fround(whole + start);
  const shadow = Math.fround(sum * one - whole);
  const back = Math.fround(sum * one - shadow);
  rest = rest + (Math.fround(whole - back) + (start - shadow));
  const wrapped = Math.fround(sum - Math.floor(sum + rest + 0.5));
  const value = Math.fround(wrapped + rest);
  if (plane > 0) {
    const part = Math.fround(value * one - wrapped);
    return rest - part;
  }
  if (this.constants.final > 0) return value;
  return value - Math.floor(value + 0.5);
}

/** Grid [W, runs, B]: Σ of a run. */
function sumOfRun(this: Runs, x: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.run; i++) {
    const t = this.thread.y * this.constants.run + i;
    if (t < this.constants.T) sum += x[(this.thread.z * this.constants.T + t) * this.constants.W + this.thread.x]!;
  }
  return sum;
}

/** Grid [W, T, B]: Σ_{m ≥ t} x_m. */
function laterSum(this: Runs, x: Floats, ofRun: Floats): number {
  const own = Math.floor((this.thread.y + 0.5) / this.constants.run);
  const end = Math.min((own + 1) * this.constants.run, this.constants.T);
  let sum = 0;
  for (let t = this.thread.y + 0; t < end; t++) {
    sum += x[(this.thread.z * this.constants.T + t) * this.constants.W + this.thread.x]!;
  }
  for (let r = own + 1; r < this.constants.runs; r++) {
    sum += ofRun[(this.thread.z * this.constants.runs + r) * this.constants.W + this.thread.x]!;
  }
  return sum;
}

/** Grid [G, B·T]: Σ over the pairs of a head of what β is multiplied by. */
function headGradient(this: Sized<'G' | 'half'>, later: Floats, theta: Floats): number {
  let sum = 0;
  for (let m = 0; m < this.constants.half; m++) {
    const column = this.thread.x * this.constants.half + m;
    sum += later[this.thread.y * this.constants.G * this.constants.half + column]! * theta[column]!;
  }
  return sum / 6.283185307179586;
}

/** Grid [G·d/2, B·T]. */
function pairGradient(this: Sized<'W'>, later: Floats, theta: Floats): number {
  return (later[this.thread.y * this.constants.W + this.thread.x]! * theta[this.thread.x]!) / 6.283185307179586;
}

/** Grid [G·d/2, B]: Σ_t of the later gradients times β. */
function rateGradient(
  this: Sized<'T' | 'W' | 'G' | 'half' | 'stepped' | 'perPair'>,
  later: Floats,
  beta: Floats,
): number {
  const g = Math.floor((this.thread.x + 0.5) / this.constants.half);
  let sum = 0;
  for (let t = 0; t < this.constants.T; t++) {
    const token = this.thread.y * this.constants.T + t;
    let step = 1;
    if (this.constants.stepped > 0) {
      step = beta[token * this.constants.G + g]!;
    }
    if (this.constants.perPair > 0) {
      step = beta[token * this.constants.W + this.thread.x]!;
    }
    sum += later[token * this.constants.W + this.thread.x]! * step;
  }
  return sum;
}

/** Grid [G·d/2]. */
function overBatch(this: Sized<'B' | 'W'>, x: Floats): number {
  let sum = 0;
  for (let b = 0; b < this.constants.B; b++) sum += x[b * this.constants.W + this.thread.x]!;
  return sum / 6.283185307179586;
}

/** Grid [G·d/2, B]. */
function firstToken(this: Sized<'T' | 'W'>, x: Floats): number {
  return x[this.thread.y * this.constants.T * this.constants.W + this.thread.x]!;
}

/** Sizes of a sum over the second axis of x. */
function runsOf({ shape, size }: Tensor) {
  const [B, T] = shape as [number, number];
  const run = Math.max(1, Math.ceil(Math.sqrt(T)));
  return { B, T, W: size / (B * T || 1), run, runs: Math.ceil(T / run) };
}

export function sums(machine: Machine): Pick<Kernels, 'gateSum' | 'gateSumBackward' | 'phaseSum' | 'phaseSumBackward'> {
  const { none } = machine;
  return {
    gateSum: ({ logGate, chunk, A, start }: { logGate: Tensor; chunk: number } & GateSums) => {
      const { B, T, W, run, runs } = runsOf(logGate);
      const ofRun = machine.temporary(latestOfRun, [W, runs, B], { T, W, run, runs }, logGate);
      machine.write(start, latestReset, [W, T, B], { T, W, run, runs }, logGate, ofRun);
      machine.write(A, gateSums, [W, T, 2 * B], { T, W, B, chunk }, logGate, start, 1);
    },
    gateSumBackward: ({ dA, start, chunk, dlogGate }) => {
      const { B, T, W } = runsOf(dlogGate);
      machine.write(dlogGate, gateGradient, [W, T, B], { T, W, chunk }, dA, start);
    },
    phaseSum: ({ beta, theta, thetaTail, phase, resume, turns, last }) => {
      const [B, T, G, half] = turns.shape as [number, number, number, number];
      let steps: Storage = none;
      if (beta) {
        const { W, run, runs } = runsOf(beta);
        const ofRun = machine.temporary(betaOfRun, [W, runs, 2 * B], { T, W, B, run }, beta, 1);
        steps = machine.temporary(betaSum, [W, T, 2 * B], { T, W, B, run, runs }, beta, ofRun, 1);
      }
      const first = resume ?? phase ?? none;
      const switches = { stepped: beta ? 1 : 0, tailed: thetaTail ? 1 : 0, begun: resume || phase ? 1 : 0 };
      const sizes = { B, T, G, half, W: beta?.shape.length === 4 ? G * half : G, times: T };
      const constants = { resumed: resume ? 1 : 0, final: 0, ...sizes, ...switches };
      const operands = [steps, theta, thetaTail ?? none, first, 1] as const;
      machine.write(turns, phases, [half, G, B * T], constants, ...operands);
      if (last) machine.write(last, phases, [half, G, 2 * B], { ...constants, times: 1, final: 1 }, ...operands);
    },
    phaseSumBackward: ({ beta, theta, dturns, dbeta, dtheta, dphase }) => {
      const [, , G, half] = dturns.shape as [number, number, number, number];
      const { B, T, W, run, runs } = runsOf(dturns);
      const ofRun = machine.temporary(sumOfRun, [W, runs, B], { T, W, run, runs }, dturns);
      const later = machine.temporary(laterSum, [W, T, B], { T, W, run, runs }, dturns, ofRun);
      const perPair = beta?.shape.length === 4;
      if (dbeta && perPair) machine.write(dbeta, pairGradient, [W, B * T], { W }, later, theta);
      else if (dbeta) machine.write(dbeta, headGradient, [G, B * T], { G, half }, later, theta);
      if (dtheta) {
        const switches = { stepped: beta && !perPair ? 1 : 0, perPair: perPair ? 1 : 0 };
        const each = machine.temporary(rateGradient, [W, B], { T, W, G, half, ...switches }, later, beta ?? none);
        machine.write(dtheta, overBatch, [W], { B, W }, each);
      }
      if (dphase) machine.write(dphase, firstToken, [W, B], { T, W }, later);
    },
  };
}
