/**
 * A norm and up to five linear maps of what it gives, as a layer begins: the normalised input need not exist. A token that is
 * decoded alone then takes one launch where a backend has this kernel.
 */

import { lastAxis, loose } from '../js/tensor';
import type { Home, Tensor } from '../tensor';
import type { Entry } from './entry';
import { fillJs, type FillArgs } from './fill';
import { geluJs } from './gelu';
import { logSigmoidJs } from './logSigmoid';
import { matmulJs, type MatmulArgs } from './matmul';
import { normsJs, type NormArgs, type NormBackwardArgs } from './norms';
import { onePlusTanhJs } from './onePlusTanh';
import { oneOf, small } from './options';
import { refuse } from './refuse';
import { sumRowsJs, type SumRowsArgs } from './sumRows';
import type { UnaryArgs, UnaryBackwardArgs } from './unary';

/** Which of the maps: as many as a layer has projections of one input. */
type Place = 0 | 1 | 2 | 3 | 4;
type Tensors<Name extends string> = Readonly<Partial<Record<`${Name}${Place}`, Tensor | undefined>>>;

/** What may follow a linear map. */
export type LinearActivation = 'gelu' | 'logSigmoid' | 'onePlusTanh';

interface Shared
  extends Tensors<'weight' | 'bias'>, Readonly<Partial<Record<`activation${Place}`, LinearActivation | undefined>>> {
  readonly kind: 'layer' | 'rms';
  /** [rows…, n] */
  readonly x: Tensor;
  /** [n], of the norm; 1 where absent. */
  readonly normWeight?: Tensor | undefined;
  /** [n], layer norm only. */
  readonly normBias?: Tensor | undefined;
  /** As `layerNorm` and `rmsNorm` have it. */
  readonly eps: number;
}

/** weight0 [m0, n], bias0 [m0], activation0 and y0 [rows…, m0] make the first map, and so on; one without `y` is left out. */
export interface NormLinearArgs extends Shared, Tensors<'y'> {}

/** What `normLinearBackward` reads, is told and writes; its entry has the formula. */
export interface NormLinearBackwardArgs extends Shared, Tensors<'dy' | 'dweight' | 'dbias'> {
  readonly dx: Tensor;
  readonly dnormWeight?: Tensor | undefined;
  readonly dnormBias?: Tensor | undefined;
}

/** The kernels that the bodies stand on. */
export type NormLinearParts = Readonly<
  Record<'layerNorm' | 'rmsNorm', (args: NormArgs) => void> &
    Record<'layerNormBackward' | 'rmsNormBackward', (args: NormBackwardArgs) => void> &
    Record<LinearActivation, (args: UnaryArgs) => void> &
    Record<`${LinearActivation}Backward`, (args: UnaryBackwardArgs) => void>
> & {
  fill(args: FillArgs): void;
  matmul(args: MatmulArgs): void;
  sumRows(args: SumRowsArgs): void;
};

const places = [0, 1, 2, 3, 4] as const;

/** Axes for every map. */
function every(name: string, axes: (place: Place) => string): Record<string, string> {
  return Object.fromEntries(places.map((place) => [`${name}${place}?`, axes(place)]));
}

function sharedOf() {
  const activation = oneOf('gelu', 'logSigmoid', 'onePlusTanh');
  return {
    reads: {
      ...{ x: '… n', 'normWeight?': 'n', 'normBias?': 'n' },
      ...every('weight', (i) => `m${i} n`),
      ...every('bias', (i) => `m${i}`),
    },
    options: {
      ...{ kind: oneOf('layer', 'rms'), eps: small },
      ...Object.fromEntries(places.map((i) => [`activation${i}?`, activation])),
    },
    roundings: 256,
    rule(args: NormLinearArgs) {
      if (args.x.shape.length < 2) refuse('normLinear: shape of x', args.x.shape, 'at least 2 axes');
      for (const i of places)
        if (args[`y${i}`] && !args[`weight${i}`])
          refuse(`normLinear: weight${i}`, undefined, `a tensor, as there is y${i}`);
    },
  };
}

const shared = /* @__PURE__ */ sharedOf();

/** y_i = f_i(norm(x)·W_iᵀ + b_i) for up to five maps of one layer norm or RMS norm. */
export const normLinear: Entry<NormLinearArgs> = {
  ...shared,
  writes: /* @__PURE__ */ every('y', (i) => `… m${i}`),
};

/** The gradients of normLinear. */
export const normLinearBackward: Entry<NormLinearBackwardArgs> = {
  ...shared,
  reads: /* @__PURE__ */ Object.assign(
    /* @__PURE__ */ every('dy', (i) => `… m${i}`),
    shared.reads,
  ),
  writes: /* @__PURE__ */ Object.assign(
    { dx: '… n', 'dnormWeight?': 'n', 'dnormBias?': 'n' },
    /* @__PURE__ */ every('dweight', (i) => `m${i} n`),
    /* @__PURE__ */ every('dbias', (i) => `m${i}`),
  ),
};

/** How they are made of others. */
export const normLinearBodies = {
  normLinear: forward,
  normLinearBackward: backward,
};

/** What they mean: what their parts mean, one after the other, in doubles. */
export const normLinearJs = {
  normLinear: (args: NormLinearArgs) => forward(args, definition()),
  normLinearBackward: (args: NormLinearBackwardArgs) => backward(args, definition()),
  bodies: normLinearBodies,
};

type Workplace = Pick<Home, 'empty' | 'view'> & { readonly kernels: NormLinearParts };

function definition(): Workplace {
  const kernels = { ...normsJs, ...fillJs, ...matmulJs, ...sumRowsJs, ...geluJs, ...logSigmoidJs, ...onePlusTanhJs };
  return { kernels, ...loose };
}

function normalised({ kind, x, normWeight, normBias, eps }: Shared, home: Workplace): Tensor {
  const y = home.empty(x.shape);
  home.kernels[`${kind}Norm`]({ x, weight: normWeight, bias: normBias, eps, y });
  return y;
}

function forward(args: NormLinearArgs, home: Workplace): void {
  const { kernels } = home;
  const h = normalised(args, home);
  for (const i of places) {
    const [b, y, f] = [args[`weight${i}`], args[`y${i}`], args[`activation${i}`]];
    if (!b || !y) continue;
    const product = f ? home.empty(y.shape) : y;
    kernels.matmul({ a: h, b, bias: args[`bias${i}`], transposeB: true, y: product });
    if (f) kernels[f]({ x: product, y });
  }
}

function backward(args: NormLinearBackwardArgs, home: Workplace): void {
  const { kernels } = home;
  const { kind, x, eps, normWeight: weight, dx, dnormWeight: dweight, dnormBias: dbias } = args;
  const h = normalised(args, home);
  const dh = home.empty(x.shape);
  const rows = (tensor: Tensor) => home.view(tensor, [tensor.size / (lastAxis(tensor) || 1), lastAxis(tensor)]);
  let accumulate = false;
  for (const i of places) {
    const [b, dy, f] = [args[`weight${i}`], args[`dy${i}`], args[`activation${i}`]];
    const [dW, db] = [args[`dweight${i}`], args[`dbias${i}`]];
    if (!b || !dy) {
      for (const y of [dW, db]) if (y) kernels.fill({ value: 0, y });
      continue;
    }
    const slope = f ? home.empty(dy.shape) : dy;
    if (f) {
      const product = home.empty(dy.shape);
      kernels.matmul({ a: h, b, bias: args[`bias${i}`], transposeB: true, y: product });
      kernels[`${f}Backward`]({ x: product, dy, dx: slope });
    }
    kernels.matmul({ a: slope, b, accumulate, y: dh });
    accumulate = true;
    if (dW) kernels.matmul({ a: rows(slope), b: rows(h), transposeA: true, y: dW });
    if (db) kernels.sumRows({ x: slope, y: db });
  }
  if (!accumulate) kernels.fill({ value: 0, y: dh });
  kernels[`${kind}NormBackward`]({ x, weight, dy: dh, eps, dx, dweight, dbias });
}
