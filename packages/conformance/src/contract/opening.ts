/** Opening and closing: backends do not know of each other, and a closed one is closed. */

import { BackendError, firstAvailable, type BackendFactory } from '@sympow/kernels';
import type { ContractCheck, Subject } from '../api';
import { equal, holds, refuses, sameNumbers } from './expect';

const refusing: BackendFactory = {
  name: 'nowhere',
  open: () => Promise.reject(new BackendError({ what: 'nowhere', value: 'here', expected: 'elsewhere' })),
};

const rules: Record<string, (subject: Subject) => Promise<void>> = {
  'capabilities are filled in': async ({ backend: { capabilities, name } }) => {
    holds(name.length > 0, 'the backend has a name');
    holds(capabilities.threads >= 1, 'at least one thread computes');
    holds(capabilities.maxTensorBytes > 0, 'there is a largest tensor');
    holds(capabilities.blockBytes > 0, 'a block has room for something');
    holds(capabilities.blockBytes <= capabilities.maxTensorBytes, 'a block is a tensor');
    holds(Array.isArray(capabilities.notes), 'there are notes');
  },
  'two backends of one factory are apart': async ({ backend, factory }) => {
    const before = backend.memory().liveBuffers;
    const other = await factory.open();
    const x = other.upload([1, 2], [2]);
    equal(backend.memory().liveBuffers, before, 'the live buffers of the first');
    await refuses('BACKEND', () => backend.read(x));
    await other.close();
    const y = backend.upload([3], [1]);
    sameNumbers(await y.read(), [3], 'a tensor of the first after the second was closed');
    y.dispose();
  },
  'a closed backend refuses everything, and may be closed again': async ({ factory }) => {
    const backend = await factory.open();
    const [x, y] = [backend.upload([1], [1]), backend.empty([1])];
    await backend.close();
    await backend.close();
    await refuses('BACKEND', () => x.read());
    await refuses('BACKEND', () => backend.write(x, [2]));
    await refuses('BACKEND', () => backend.empty([1]));
    await refuses('BACKEND', () => backend.upload([1], [1]));
    await refuses('BACKEND', () => backend.kernels.gelu({ x, y }));
    x.dispose();
  },
  'firstAvailable passes over what cannot run and says why': async ({ factory, backend }) => {
    const choice = await firstAvailable([refusing, factory]).choose();
    equal(choice.backend.name, backend.name, 'the chosen backend');
    equal(choice.refused.map(({ name }) => name).join(), 'nowhere', 'the refused ones');
    holds(choice.refused[0]!.reason.includes('elsewhere'), 'the reason of the refused one is passed on');
    await choice.backend.close();
  },
};

export const opening: readonly ContractCheck[] = Object.entries(rules).map(([name, run]) => ({
  group: 'opening and closing',
  name,
  run,
}));
