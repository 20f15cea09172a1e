/**
 * Peak memory of a training step against the same model in jax-js, each in a process of its own. What a device of its own
 * holds is not seen.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Benchmark } from '../benchmark';
import { expectClose } from '../check';
import { jaxName } from '../peers/jax';
import type { StepMemory } from '../stepMemory';
import { trainingSizes } from '../training';

export const peak: Benchmark = {
  name: 'peak',
  summary: 'most resident bytes that training steps add to a fresh process, against jax-js',
  onBackend: true,
  async *run({ backendName, quick }) {
    const { layers, B, T } = trainingSizes(quick);
    const [ours, peer] = [await alone('ours', backendName, quick), await alone('jax-js', backendName, quick)];
    expectClose(`the loss after steps (${ours.loss}, in jax-js ${peer.loss})`, [ours.loss], [peer.loss], 1e-4);
    const shape = `${layers} layers of 128, ${B}×${T} tokens, 3 steps`;
    yield { shape, ours: ours.bytes, peer: peer.bytes, peerName: jaxName, unit: 'bytes' };
  },
};

/** {@link StepMemory} of one side, in a process that runs this same program. */
async function alone(side: 'ours' | 'jax-js', backendName: string, quick: boolean): Promise<StepMemory> {
  const flags = ['--step', side, '--backend', backendName, ...(quick ? ['--quick'] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, process.argv[1]!, ...flags]);
  return JSON.parse(stdout) as StepMemory;
}
