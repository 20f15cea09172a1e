import { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { bytes, canRewrite, duration, inColour, quantity, ratio } from './output';

describe('figures as people read them', () => {
  it.each([
    [quantity(1234567), '1.23 M'],
    [quantity(12, 'FLOP'), '12 FLOP'],
    [quantity(0.0123), '0.0123'],
    [bytes(1536), '1.5 KiB'],
    [bytes(12), '12 B'],
    [duration(3725), '1h02m'],
    [duration(65), '1m05s'],
    [duration(5), '5s'],
    [ratio(1.52), '1.5 : 1'],
    [ratio(0.2), '0.20 : 1'],
    [ratio(0.0153), '0.015 : 1'],
    [ratio(19.6), '20 : 1'],
    [ratio(1083), '1,100 : 1'],
  ])('%s', (written, expected) => expect(written).toBe(expected));
});

describe('a terminal', () => {
  const terminal = Object.assign(Object.create(WriteStream.prototype) as WriteStream, { isTTY: true as const });
  const pipe = { isTTY: undefined } as unknown as WriteStream;

  it.each([
    ['of today', terminal, { TERM: 'xterm-256color' }, true, true],
    ['that wants no colours', terminal, { TERM: 'xterm-256color', NO_COLOR: '1' }, false, true],
    ['that is dumb', terminal, { TERM: 'dumb' }, false, false],
    ['that is none', pipe, { TERM: 'xterm-256color' }, false, false],
  ])('%s', (_, stream, env, coloured, rewritten) => {
    expect([inColour(stream, env), canRewrite(stream, env)]).toEqual([coloured, rewritten]);
  });
});
