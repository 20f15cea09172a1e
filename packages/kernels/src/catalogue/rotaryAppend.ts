/** Streams: the next tokens turned by their phases and put behind those that a memory holds, which a token does in every layer. */

import { loose } from '../js/tensor';
import type { Home, Tensor } from '../tensor';
import { append, appendJs, type AppendArgs } from './append';
import type { Entry } from './entry';
import { phaseSumJs, type PhaseSumArgs } from './phaseSum';
import { rotaryJs, type RotaryArgs } from './rotary';

/** `beta`, `theta`, `thetaTail`, `resume` and `last` are those of `phaseSum`, all others those of `append`. */
export interface RotaryAppendArgs extends AppendArgs {
  /** [B, T, H, d] */
  q: Tensor;
  /** [B, T, G] or [B, T, G, d/2]; absent means 1. */
  beta?: Tensor | undefined;
  /** [G, d/2] in radians per token. */
  theta: Tensor;
  thetaTail?: Tensor | undefined;
  /** [2, B, G, d/2]: two planes whose sum is the phase before the first token. */
  resume: Tensor;

  /** [2, B, G, d/2]: the phase after the last token, of rows that rest too. May be `resume` itself. */
  last: Tensor;
  /** [B, T, H, d]: the queries, turned. */
  y: Tensor;
}

/** The kernels that the body stands on. */
export interface RotaryAppendParts {
  append(args: AppendArgs): void;
  phaseSum(args: PhaseSumArgs): void;
  rotary(args: RotaryArgs): void;
}

/** Queries turned by their phases, and keys, turned too, appended with values and log gates; for streams, hence without a backward. */
export const rotaryAppend: Entry<RotaryAppendArgs> = {
  ...append,
  reads: {
    ...{ q: 'B T H d', ...append.reads },
    ...{ 'beta?': 'B T G [half]', theta: 'G half', 'thetaTail?': 'G half', resume: '2 B G half' },
  },
  writes: { ...append.writes, last: '2 B G half', y: 'B T H d' },
  wide: ['logGate', 'logGates', 'beta', 'theta', 'thetaTail', 'resume', 'last'],
  moves: { ...append.moves, keys: undefined },
  roundings: { keys: 2048, values: 0, logGates: 0, next: 0, last: 2 ** -8, y: 2048 },
};

/** How it is made of others. */
export const rotaryAppendBodies = {
  rotaryAppend: forward,
};

/** What it means: what its parts mean, one after the other. */
export const rotaryAppendJs = {
  rotaryAppend: (args: RotaryAppendArgs) =>
    forward(args, { kernels: { ...phaseSumJs, ...rotaryJs, ...appendJs }, ...loose }),
  bodies: rotaryAppendBodies,
};

function forward(
  { q, k, beta, theta, thetaTail, resume, last, y, ...rest }: RotaryAppendArgs,
  home: Pick<Home, 'empty'> & { readonly kernels: RotaryAppendParts },
): void {
  const { kernels } = home;
  const turns = home.empty([k.shape[0]!, k.shape[1]!, ...theta.shape]);
  kernels.phaseSum({ beta, theta, thetaTail, resume, turns, last });
  kernels.rotary({ x: q, turns, y });
  const turned = home.empty(k.shape);
  kernels.rotary({ x: k, turns, y: turned });
  kernels.append({ k: turned, ...rest });
}
