// Where the device spends its time, by timestamp queries: launches and milliseconds of each kernel in one run.
import type { WebGpuBackend } from '@sympow/backend-webgpu';
import { Training } from '../bench/src/training';
import { oneStep } from './decode';
import { configOf } from './models';
import { sequence } from './sequences';
import type { Subject } from './subject';

export async function profile(subject: Subject): Promise<void> {
  const { tiny } = subject;
  for (const T of tiny ? [128] : [16384, 65536]) {
    const sizes = tiny ? { T, H: 2, d: 8 } : { T, H: 12, d: 64 };
    await runs(subject, `attention T=${T} forward and backward`, (backend) => {
      const { pass } = sequence(backend, sizes);
      return () => backend.scope(() => void pass(true));
    });
  }
  await runs(subject, 'training', (backend) => {
    const model = new Training(backend, configOf(subject), { B: 1, T: tiny ? 64 : 4096 });
    return () => model.step();
  });
  for (const rows of tiny ? [1] : [1, 64])
    await runs(subject, `a token of ${rows} streams`, (backend) => oneStep(backend, configOf(subject), rows));
}

async function runs(subject: Subject, name: string, prepare: (backend: WebGpuBackend) => () => void): Promise<void> {
  if (subject.left() < 5) return;
  const backend = await subject.open({ timestamps: true });
  const run = prepare(backend);
  const times = 4;
  // The first runs raise the clocks.
  for (let i = 0; i < times; i++) run();
  await backend.timings();
  for (let i = 0; i < times; i++) run();
  let [all, busy] = [0, 0];
  for (const { name: kernel, launches, milliseconds } of await backend.timings()) {
    subject.say(`${name}: ${kernel}`, { launches: launches / times, ms: milliseconds / times });
    all += launches / times;
    busy += milliseconds / times;
  }
  subject.say(`${name}: all kernels`, { launches: all, ms: busy });
  await backend.close();
}
