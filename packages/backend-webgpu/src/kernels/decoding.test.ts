// What a decoded token does in every layer takes one launch, or few where the device cannot bind all tensors at once.
import { js, type Backend, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { gpu, missing, openAs } from '../gpu.cases';

/** An adapter's devices note what they dispatch. */
function counting(inside: GPU): { gpu: GPU; dispatched: () => number } {
  let count = 0;
  const requestAdapter = async () => {
    const adapter = (await inside.requestAdapter())!;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      const createEncoder = device.createCommandEncoder.bind(device);
      device.createCommandEncoder = () => {
        const encoder = createEncoder();
        const begin = encoder.beginComputePass.bind(encoder);
        encoder.beginComputePass = (given) => {
          const pass = begin(given);
          const dispatch = pass.dispatchWorkgroups.bind(pass);
          pass.dispatchWorkgroups = (...sizes) => (count++, dispatch(...sizes));
          return pass;
        };
        return encoder;
      };
      return device;
    };
    return adapter;
  };
  const dispatched = () => {
    const taken = count;
    count = 0;
    return taken;
  };
  return { gpu: { requestAdapter } as GPU, dispatched };
}

async function opened(inside: GPU, buffers: number) {
  const { gpu: counted, dispatched } = counting(inside);
  const backend = await openAs({
    gpu: counted,
    facts: ({ limits }) => ({ limits: { ...limits, maxStorageBuffersPerShaderStage: buffers } }),
  });
  return { backend, dispatched };
}

const sizes = [24, 24, 24, 2, 2];

describe.skipIf(missing)(`launches${missing ? `: ${missing}` : ''}`, () => {
  it.each([
    // As many as a software adapter has: four maps, and then the fifth.
    [12, 1, 2],
    // What every device has: three maps and what all of them read, and then two.
    [8, 1, 2],
    // A norm, and a product for each map, with an activation behind two.
    [12, 5, 8],
  ])('normLinear with %i buffers and %i rows takes %i', async (buffers, rows, launches) => {
    const { backend, dispatched } = await opened(gpu, buffers);
    const empty = (...shape: number[]) => backend.empty(shape);
    backend.kernels.normLinear({
      ...{ kind: 'rms', x: empty(rows, 24), normWeight: empty(24), eps: 1e-5 },
      ...Object.fromEntries(
        sizes.flatMap((m, i): [string, Tensor][] => [
          [`weight${i}`, empty(m, 24)],
          [`y${i}`, empty(rows, m)],
        ]),
      ),
      ...{ bias3: empty(2), activation3: 'logSigmoid', activation4: 'onePlusTanh' },
    });
    await backend.finish();
    expect(dispatched()).toBe(launches);
    await backend.close();
  });

  it.each([
    // All but gates, their memory and the tail of θ.
    [12, 1, false, 1],
    // What turns, and what is only put in its place.
    [12, 1, true, 2],
    // Phases, queries, keys, and their place.
    [12, 2, true, 4],
    [8, 1, true, 4],
  ])('rotaryAppend with %i buffers, %i tokens and gates: %s takes %i', async (buffers, T, all, launches) => {
    const { backend, dispatched } = await opened(gpu, buffers);
    const empty = (...shape: number[]) => backend.empty(shape);
    const phase = empty(2, 1, 2, 2);
    backend.kernels.rotaryAppend({
      ...{ q: empty(1, T, 4, 4), k: empty(1, T, 2, 4), v: empty(1, T, 2, 3), beta: empty(1, T, 2) },
      ...{ theta: empty(2, 2), thetaTail: all ? empty(2, 2) : undefined, resume: phase, last: phase },
      ...{ logGate: all ? empty(1, T, 2) : undefined, logGates: all ? empty(1, 8, 2) : undefined },
      ...{ offset: backend.upload([3], [1], 'int32'), next: backend.empty([1], 'int32') },
      ...{ keys: empty(1, 8, 2, 4), values: empty(1, 8, 2, 3), y: empty(1, T, 4, 4) },
    });
    await backend.finish();
    expect(dispatched()).toBe(launches);
    await backend.close();
  });

  it.each([
    ['rms', 5, 24, 1],
    ['layer', 65, 260, 2],
  ] as const)(
    'maps behind a norm, %s, of %i rows of %i numbers take %i, and come to what they are',
    async (kind, rows, n, launches) => {
      const { gpu: counted, dispatched } = counting(gpu);
      // Large devices have tiles for them; software computes what is asked for.
      const backend = await openAs({ gpu: counted, facts: () => ({ software: false }) });
      const exact = await js({ float: 'float64' }).open();
      const run = (home: Backend) => {
        const of = (seed: number, ...shape: number[]) => {
          const size = shape.reduce((a, b) => a * b);
          return home.upload(
            Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * i) / Math.sqrt(shape.at(-1))),
            shape,
          );
        };
        const outputs = [37, 9, 3].map((m) => home.empty([rows, m]));
        home.kernels.normLinear({
          ...{
            kind,
            x: of(1, rows, n),
            normWeight: of(2, n),
            normBias: kind === 'layer' ? of(11, n) : undefined,
            eps: 1e-5,
          },
          ...{ activation1: 'gelu', bias2: of(6, 3) },
          ...Object.fromEntries(
            outputs.flatMap((y, i) => [[`weight${i}`, of(3 + i, y.shape[1]!, n)] as const, [`y${i}`, y] as const]),
          ),
        });
        const sum = of(7, rows, 70);
        home.kernels.matmul({
          a: of(8, rows, n),
          b: of(9, 70, n),
          bias: of(10, 70),
          transposeB: true,
          accumulate: true,
          y: sum,
        });
        return [...outputs, sum];
      };
      const ours = run(backend);
      await backend.finish();
      expect(dispatched()).toBe(launches + 1);
      for (const [i, y] of run(exact).entries()) {
        const [actual, expected] = [await ours[i]!.read(), await y.read()];
        expect(Math.max(...expected.map((x, at) => Math.abs(x - actual[at]!)))).toBeLessThan(2e-6);
      }
      await backend.close();
    },
  );

  it('maps that go apart come to the same', async () => {
    const answers = [];
    for (const buffers of [12, 8]) {
      const { backend } = await opened(gpu, buffers);
      const of = (seed: number, ...shape: number[]) =>
        backend.upload(
          Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(seed + i * i)),
          shape,
        );
      const ys = sizes.map((m) => backend.empty([1, m]));
      backend.kernels.normLinear({
        ...{ kind: 'layer', x: of(1, 1, 24), normWeight: of(2, 24), normBias: of(3, 24), eps: 1e-5 },
        ...Object.fromEntries(
          sizes.flatMap((m, i) => [[`weight${i}`, of(i, m, 24)] as const, [`y${i}`, ys[i]!] as const]),
        ),
        ...{ bias3: of(9, 2), activation3: 'logSigmoid', activation4: 'onePlusTanh' },
      });
      answers.push(await Promise.all(ys.map((y) => y.read())));
      await backend.close();
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]!.flatMap((y) => [...y]).every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
  });
});
