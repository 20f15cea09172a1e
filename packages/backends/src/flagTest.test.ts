import { describe, expect, it } from 'vitest';
import { engineFlags } from './engineFlags';
import { verdict } from './flagTest';

describe('V8 flags', () => {
  it('stay as they are when switched off', async () => {
    expect(await engineFlags('off')).toEqual({ flags: [], reason: 'switched off' });
  });

  it('are set from Node 24 on, if at all, and come with a reason', async () => {
    const { flags, reason } = await engineFlags('auto');
    const gains = Number(process.versions.node.split('.')[0]) >= 24 && process.arch === 'x64';
    if (flags.length > 0) expect(reason).toMatch(/the same numbers, [\d.]+ times as fast/);
    // The program that would try them is made by a build.
    else expect(reason).toMatch(gains ? /^only|trial/ : /nothing/);
    if (!gains) expect(flags).toEqual([]);
  });

  it('are refused where a single number differs, and where they gain nothing', () => {
    const without = { numbers: Int32Array.of(1, 2, 3), speed: 50 };
    expect(verdict(without, { ...without, speed: 90 }).flags).toHaveLength(1);
    expect(verdict(without, { numbers: Int32Array.of(1, 2, 4), speed: 90 }).reason).toBe('1 of 3 numbers differ');
    expect(verdict(without, { ...without, speed: 51 })).toEqual({ flags: [], reason: 'only 1.02 times as fast' });
  });
});
