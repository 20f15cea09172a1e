import { isSympowError, js } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { BackendEntry } from './api';
import { backends } from './backends';
import { openBackend } from './openBackend';
import { optionalPackage } from './optional';

const absent: BackendEntry = {
  name: 'absent',
  make: () => ({ name: 'absent', open: () => optionalPackage('absent') }),
};

describe('the list of backends', () => {
  it('has each name once, and one that runs everywhere', () => {
    const names = backends.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('js');
  });

  it.each(['js', 'wasm', 'gpujs'])('opens %s by its name', async (name) => {
    const opened = await openBackend(name, { engineFlags: 'off', threads: 1 });
    expect(opened).toMatchObject({ name, refused: [], backend: { name } });
    await opened.backend.close();
  });

  it('hands a backend its own options', async () => {
    const { backend } = await openBackend('js', { own: { float: 'float64' } });
    expect(backend.capabilities.float).toBe('float64');
    await backend.close();
  });

  it('takes the first that runs here, and says why it is not another', async () => {
    const mine: BackendEntry = { name: 'mine', make: () => js() };
    const never: BackendEntry = { ...mine, name: 'never', byNameAlone: true };
    const { backend, name, refused } = await openBackend('auto', { entries: [never, absent, mine] });
    expect(name).toBe('mine');
    expect(refused).toEqual([{ name: 'absent', reason: expect.stringMatching(/npm install absent\.$/) as string }]);
    await backend.close();
    expect((await openBackend('never', { entries: [never] })).name).toBe('never');
  });

  it('says what to install where a package is missing, and which names there are', async () => {
    const failure: unknown = await openBackend('absent', { entries: [absent] }).catch((error: unknown) => error);
    expect(isSympowError(failure, 'BACKEND')).toBe(true);
    expect(String(failure)).toMatch(
      /the package absent cannot be loaded; expected it .*Install it with npm install absent/,
    );
    const names = backends.map(({ name }) => name).join(', ');
    await expect(openBackend('cuda')).rejects.toThrow(`backend is "cuda"; expected auto or one of ${names}`);
  });
});
