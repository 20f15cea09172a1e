/** Calls that every backend refuses, each with the code of its error. */

import { js, type Backend, type Kernels, type Shape, type Tensor } from '@sympow/kernels';
import type { ContractCheck, Subject } from '../api';
import { refuses, type Code } from './expect';

/** Makes tensors for one refused call. */
interface Desk {
  readonly kernels: Kernels;
  float(...shape: number[]): Tensor;
  int(...shape: number[]): Tensor;
}

interface Refusal {
  readonly name: string;
  readonly code: Code;
  readonly call: (desk: Desk) => void;
}

const [B, T, H, G, d, e, power, chunk] = [1, 5, 2, 1, 4, 3, 2, 2];
const [D, n] = [10, 3];

/** Arguments that fit, to be spoilt one at a time. */
const sound = {
  updateState: ({ float }: Desk) => ({
    power,
    chunk,
    k: float(B, T, G, d),
    v: float(B, T, G, e),
    gates: gates(float, B, T, G),
    deltaS: float(B, n, G, D, e),
    deltaZ: float(B, n, G, D),
  }),
  discountedSum: ({ float }: Desk) => ({
    power,
    chunk,
    length: T,
    deltaS: float(B, n, G, D, e),
    deltaZ: float(B, n, G, D),
    S: float(B, n, G, D, e),
    Z: float(B, n, G, D),
    SLast: float(B, G, D, e),
    ZLast: float(B, G, D),
  }),
  queryState: ({ float }: Desk) => ({
    power,
    chunk,
    normalizer: 'sum' as const,
    q: float(B, T, H, d),
    S: float(B, n, G, D, e),
    Z: float(B, n, G, D),
    num: float(B, T, H, e),
    den: float(B, T, H),
    rowMax: float(B, T, H),
    y: float(B, T, H, e),
    total: float(B, T, H),
  }),
  queryStateBackward: ({ float }: Desk) => ({
    power,
    chunk,
    normalizer: 'sum' as const,
    q: float(B, T, H, d),
    S: float(B, n, G, D, e),
    Z: float(B, n, G, D),
    rowMax: float(B, T, H),
    y: float(B, T, H, e),
    total: float(B, T, H),
    dy: float(B, T, H, e),
    dnum: float(B, T, H, e),
    dden: float(B, T, H),
    dq: float(B, T, H, d),
    dS: float(B, n, G, D, e),
    dZ: float(B, n, G, D),
  }),
  queryWindow: ({ float, int }: Desk) => ({
    power,
    normalizer: 'sum' as const,
    count: int(B),
    q: float(B, H, d),
    k: float(B, 4, G, d),
    v: float(B, 4, G, e),
    S: float(B, G, D, e),
    Z: float(B, G, D),
    y: float(B, H, e),
  }),
  append: ({ float, int }: Desk) => ({
    k: float(B, T, G, d),
    v: float(B, T, G, e),
    logGate: float(B, T, G),
    offset: int(B),
    keys: float(B, 9, G, d),
    values: float(B, 9, G, e),
    logGates: float(B, 9, G),
    next: int(B),
  }),
  softmaxAttention: ({ float }: Desk) => ({
    q: float(B, T, H, d),
    k: float(B, T, G, d),
    v: float(B, T, G, e),
    y: float(B, T, H, e),
    logSum: float(B, T, H),
  }),
  adamw: ({ float }: Desk) => ({
    weights: [float(3), float(2, 2)],
    grads: [float(3), float(2, 2)],
    m: [float(3), float(2, 2)],
    v: [float(3), float(2, 2)],
    weightDecay: [0, 0],
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    step: 1,
    clip: 1,
    squaredNorm: float(1),
  }),
};

function gates(float: Desk['float'], ...shape: number[]) {
  const A = float(2, ...shape);
  return { A, start: A.backend.empty(shape, 'int32') };
}

type Sound = typeof sound;
/** `kernel` with sound arguments, some of them replaced. */
const spoilt = (kernel: keyof Sound, replace: (desk: Desk) => object) => (desk: Desk) =>
  (desk.kernels[kernel] as (args: object) => void)({ ...sound[kernel](desk), ...replace(desk) });

const x = (desk: Desk, shape: Shape = [4]) => desk.float(...shape);

const refusals: readonly Refusal[] = [
  { name: 'sizes that differ', code: 'SHAPE', call: (t) => t.kernels.add({ a: x(t), b: x(t, [5]), y: x(t) }) },
  { name: 'shapes that differ', code: 'SHAPE', call: (t) => t.kernels.add({ a: x(t), b: x(t), y: x(t, [2, 2]) }) },
  { name: 'a missing tensor', code: 'SHAPE', call: (t) => t.kernels.gelu({ x: x(t) } as never) },
  { name: 'an array for a tensor', code: 'SHAPE', call: (t) => t.kernels.gelu({ x: [1, 2, 3, 4] as never, y: x(t) }) },
  { name: 'int32 for floats', code: 'SHAPE', call: (t) => t.kernels.gelu({ x: t.int(4), y: x(t) }) },
  {
    name: 'floats for int32',
    code: 'SHAPE',
    call: (t) => t.kernels.embed({ ids: x(t, [2]), weight: x(t, [3, 4]), y: x(t, [2, 4]) }),
  },
  {
    name: 'too few axes',
    code: 'SHAPE',
    call: (t) => t.kernels.matmul({ a: x(t), b: x(t, [4, 4]), y: x(t, [1, 4]) }),
  },
  {
    name: 'a product of matrices that do not fit',
    code: 'SHAPE',
    call: (t) => t.kernels.matmul({ a: x(t, [2, 3]), b: x(t, [4, 5]), y: x(t, [2, 5]) }),
  },
  {
    name: 'a batch of another size',
    code: 'SHAPE',
    call: (t) => t.kernels.matmul({ a: x(t, [2, 3, 4]), b: x(t, [3, 4, 5]), y: x(t, [2, 3, 5]) }),
  },
  {
    name: 'a bias of the wrong length',
    code: 'SHAPE',
    call: (t) => t.kernels.matmul({ a: x(t, [2, 3]), b: x(t, [3, 5]), bias: x(t, [2]), y: x(t, [2, 5]) }),
  },
  {
    name: 'an eps below 0',
    code: 'CONFIG',
    call: (t) => t.kernels.layerNorm({ x: x(t), eps: -1, y: x(t) }),
  },
  {
    name: 'rows that are not there',
    code: 'SHAPE',
    call: (t) => t.kernels.copyBlock({ x: x(t, [1, 3]), from: 2, count: 2, y: x(t, [1, 9]) }),
  },
  {
    name: 'rows that have no place',
    code: 'SHAPE',
    call: (t) => t.kernels.copyBlock({ x: x(t, [1, 9]), to: 2, count: 2, y: x(t, [1, 3]) }),
  },
  {
    name: 'a row before the first',
    code: 'CONFIG',
    call: (t) => t.kernels.copyBlock({ x: x(t, [1, 9]), from: -1, count: 2, y: x(t, [1, 3]) }),
  },
  {
    name: 'an odd head size for rotation',
    code: 'SHAPE',
    call: (t) => t.kernels.rotary({ x: x(t, [1, 2, 1, 3]), turns: x(t, [1, 2, 1, 1]), y: x(t, [1, 2, 1, 3]) }),
  },
  ...[0, -2, 1.5, NaN, Infinity].map((power): Refusal => ({
    name: `power ${power}`,
    code: 'CONFIG',
    call: spoilt('updateState', () => ({ power })),
  })),
  ...[0, -1, 2.5].map((chunk): Refusal => ({
    name: `chunk ${chunk}`,
    code: 'CONFIG',
    call: spoilt('updateState', () => ({ chunk })),
  })),
  {
    name: 'an odd power whose scores are summed',
    code: 'CONFIG',
    call: spoilt('queryState', () => ({ power: 3 })),
  },
  {
    name: 'an unknown normalizer',
    code: 'CONFIG',
    call: spoilt('queryState', () => ({ normalizer: 'max' })),
  },
  {
    name: 'a state of another embedded size',
    code: 'SHAPE',
    call: spoilt('updateState', ({ float }) => ({ deltaS: float(B, n, G, D + 1, e), deltaZ: float(B, n, G, D + 1) })),
  },
  {
    name: 'a state with another number of chunks',
    code: 'SHAPE',
    call: spoilt('updateState', ({ float }) => ({ deltaS: float(B, 2, G, D, e), deltaZ: float(B, 2, G, D) })),
  },
  {
    name: 'gates of another length',
    code: 'SHAPE',
    call: spoilt('updateState', ({ float }) => ({ gates: gates(float, B, T + 1, G) })),
  },
  {
    name: 'sums of gates in one plane',
    code: 'SHAPE',
    call: spoilt('updateState', ({ float, int }) => ({ gates: { A: float(1, B, T, G), start: int(B, T, G) } })),
  },
  {
    name: 'a length that the gates do not have',
    code: 'SHAPE',
    call: spoilt('discountedSum', ({ float }) => ({ gates: gates(float, B, T + 1, G) })),
  },
  {
    name: 'vector gates of another head size than the state',
    code: 'SHAPE',
    call: spoilt('discountedSum', ({ float }) => ({ gates: gates(float, B, T, G, d + 1) })),
  },
  {
    name: 'query heads that are no multiple of the key heads',
    code: 'SHAPE',
    call: spoilt('softmaxAttention', ({ float }) => ({ k: float(B, T, 3, d), v: float(B, T, 3, e) })),
  },
  {
    name: 'more queries than keys',
    code: 'SHAPE',
    call: spoilt('softmaxAttention', ({ float }) => ({ k: float(B, T - 1, G, d), v: float(B, T - 1, G, e) })),
  },
  { name: 'a number for the places of rows', code: 'SHAPE', call: spoilt('softmaxAttention', () => ({ offset: 1 })) },
  {
    name: 'gates that are neither of scores nor of channels',
    code: 'SHAPE',
    call: spoilt('softmaxAttention', ({ float }) => ({ gates: gates(float, B, T, G, d + 2) })),
  },
  { name: 'a window of nothing', code: 'CONFIG', call: spoilt('softmaxAttention', () => ({ window: 0 })) },
  { name: 'a place too many', code: 'SHAPE', call: spoilt('softmaxAttention', ({ int }) => ({ offset: int(B + 1) })) },
  { name: 'places that are no int32', code: 'SHAPE', call: spoilt('append', ({ float }) => ({ offset: float(B) })) },
  { name: 'gates without room for them', code: 'SHAPE', call: spoilt('append', () => ({ logGates: undefined })) },
  {
    name: 'scalar gates behind vector gates',
    code: 'SHAPE',
    call: spoilt('append', ({ float }) => ({ logGates: float(B, 9, G, d) })),
  },
  { name: 'S without Z', code: 'SHAPE', call: spoilt('queryState', () => ({ Z: undefined })) },
  {
    name: 'S without room for its gradient',
    code: 'SHAPE',
    call: spoilt('queryStateBackward', () => ({ dS: undefined })),
  },
  { name: 'one count for all rows', code: 'SHAPE', call: spoilt('queryWindow', () => ({ count: 3 })) },
  { name: 'no counts', code: 'SHAPE', call: spoilt('queryWindow', () => ({ count: undefined })) },
  { name: 'lists of different lengths', code: 'SHAPE', call: spoilt('adamw', ({ float }) => ({ grads: [float(3)] })) },
  { name: 'a weight decay too few', code: 'SHAPE', call: spoilt('adamw', () => ({ weightDecay: [0] })) },
  { name: 'step 0 of the optimizer', code: 'CONFIG', call: spoilt('adamw', () => ({ step: 0 })) },
  { name: 'clipping to 0', code: 'CONFIG', call: spoilt('adamw', () => ({ clip: 0 })) },
  {
    name: 'a disposed tensor',
    code: 'BACKEND',
    call: (t) => {
      const gone = x(t);
      gone.dispose();
      t.kernels.gelu({ x: gone, y: x(t) });
    },
  },
];

function scoped(backend: Backend, body: (desk: Desk) => void): void {
  backend.scope(() =>
    body({
      kernels: backend.kernels,
      float: (...shape) => backend.empty(shape),
      int: (...shape) => backend.empty(shape, 'int32'),
    }),
  );
}

async function refusesForeign({ backend }: Subject): Promise<void> {
  const other = await js().open();
  await refuses('BACKEND', () =>
    scoped(backend, (desk) => backend.kernels.add({ a: x(desk), b: other.empty([4]), y: x(desk) })),
  );
  await refuses('BACKEND', () =>
    scoped(backend, (desk) => backend.kernels.add({ a: x(desk), b: x(desk), y: other.empty([4]) })),
  );
  await refuses('BACKEND', () => {
    const [a, y] = [other.empty([4]), other.empty([4])];
    backend.kernels.gelu({ x: a, y });
  });
  await refuses('BACKEND', () => backend.read(other.empty([4])));
  await refuses('BACKEND', () => backend.view(other.empty([4]), [2, 2]));
  await refuses('BACKEND', () => backend.write(other.empty([1]), [1]));
  await other.close();
}

export const door: readonly ContractCheck[] = [
  ...refusals.map(({ name, code, call }): ContractCheck => ({
    group: 'refuses at the door',
    name,
    run: ({ backend }) => refuses(code, () => scoped(backend, call)),
  })),
  { group: 'refuses at the door', name: 'tensors of another backend', run: refusesForeign },
  {
    group: 'refuses at the door',
    name: 'nothing that is sound',
    run: async ({ backend }) => {
      for (const kernel of Object.keys(sound) as (keyof Sound)[])
        scoped(
          backend,
          spoilt(kernel, () => ({})),
        );
      await backend.finish();
    },
  },
];
