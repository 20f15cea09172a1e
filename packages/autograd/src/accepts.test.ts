// A backend's own version of a composed kernel that takes some calls only: the others are the body's, and nobody sees which.
import { bodyOf, checked, js, kernelNames, type Backend, type UncheckedKernels } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { call } from './call';
import { parameter, Tape } from './tape';

/** A backend that has silu and its gradient for even sizes, and counts the calls that it takes. */
async function choosy() {
  const backend = await js().open();
  const { kernels } = backend;
  const taken = { silu: 0, siluBackward: 0 };
  const own = <K extends keyof typeof taken>(name: K) => ({
    accepts: ({ x }: { x: { size: number } }) => x.size % 2 === 0,
    run: (args: never) => {
      taken[name]++;
      kernels[name](args);
    },
  });
  const plain = kernelNames.filter((name) => !bodyOf(name)).map((name) => [name, kernels[name]] as const);
  const unchecked = { ...Object.fromEntries(plain), silu: own('silu'), siluBackward: own('siluBackward') };
  Object.assign(backend, { kernels: checked(unchecked as unknown as UncheckedKernels, backend) });
  return { backend, taken };
}

const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => 4 * Math.sin(i + 1));

/** silu, its gradient where the losses sum it, and buffers that are left. */
function silu(backend: Backend, size: number) {
  const before = backend.memory().liveBuffers;
  const [y, dx] = backend.scope(() => {
    const tape = new Tape(backend);
    const x = parameter(backend.upload(numbers(size), [size]));
    const out = call(tape, 'silu', { x }, { y: [size] });
    const value = backend.readSync!(out.y.value);
    tape.backward([[out.y, backend.upload(new Float32Array(size).fill(1), [size])]]);
    return [value, backend.readSync!(tape.gradient(x)!)];
  });
  return { y, dx, left: backend.memory().liveBuffers - before };
}

it('a call that is declined is the body, forward and backward, with the same numbers', async () => {
  const { backend, taken } = await choosy();
  await using plain = await js().open();
  for (const size of [6, 7, 0, 1]) {
    const before = { ...taken };
    const own = silu(backend, size);
    const one = size % 2 === 0 ? 1 : 0;
    expect(taken).toEqual({ silu: before.silu + one, siluBackward: before.siluBackward + one });
    expect(own).toEqual(silu(plain, size));
    expect(own.left).toBe(0);
  }
  await backend.close();
});
