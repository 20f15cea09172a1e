// What the commands give: on standard output, as JSON and in files.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
}, 60_000);
afterAll(() => scratch.remove());

describe('results', () => {
  it('--json ends standard output with one object, and everything else is on standard error', () => {
    const { stdout, code } = scratch.sympow(...scratch.train('json', '--steps', '4', '--json'));
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const keys = ['checkpoint', 'heldOutLoss', 'parameters', 'steps', 'tokensPerSecond', 'trainLoss'];
    expect(Object.keys(JSON.parse(stdout) as object).sort()).toEqual(keys);
  });

  it('eval gives bins, documents, speed and bytes, a chart and an SVG', () => {
    const svg = scratch.at('loss.svg');
    const { stdout, code } = scratch.sympow(
      'eval',
      checkpoint,
      scratch.text,
      '--length',
      '128',
      '--streams',
      '3',
      '--svg',
      svg,
      '--json',
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    for (const key of ['bins', 'documents', 'tokensPerSecond', 'stateBytes', 'cacheBytes'])
      expect(result).toHaveProperty(key);
    const [first] = result.bins as Record<string, unknown>[];
    for (const key of ['from', 'to', 'nats', 'stderr', 'count']) expect(first).toHaveProperty(key);
    expect(readFileSync(svg, 'utf8')).toContain('<svg');
  });

  it('the same seed writes the same text, and a saved state goes on where the text ended', () => {
    const state = scratch.at('state.safetensors');
    const write = (...more: string[]) =>
      scratch.sympow('generate', checkpoint, '--prompt', 'It was', '--temperature', '0', ...more).stdout;
    const whole = write('--max-tokens', '20');
    expect(write('--max-tokens', '20')).toBe(whole);
    const part = write('--max-tokens', '10', '--state-out', state);
    expect(whole.startsWith(part.trimEnd())).toBe(true);
    expect(scratch.sympow('generate', checkpoint, '--prompt', ' ', '--max-tokens', '3', '--state-in', state).code).toBe(
      0,
    );
  });

  it('doctor measures what there is', () => {
    const { stdout, code } = scratch.sympow('doctor', '--json');
    expect(code).toBe(0);
    const { backends } = JSON.parse(stdout) as { backends: { name: string; available: boolean; gflops: number }[] };
    expect(backends.find(({ name }) => name === 'js')).toMatchObject({ available: true });
    expect(backends.find(({ name }) => name === 'js')!.gflops).toBeGreaterThan(0);
  });

  it.each(['train', 'eval', 'compare', 'generate', 'data prepare', 'data info', 'doctor', 'demo'])(
    '%s has a help text',
    (command) => {
      const { stdout, code } = scratch.sympow(...command.split(' '), '--help');
      expect(code).toBe(0);
      for (const option of ['--seed', '--json', '--debug']) expect(stdout).toContain(option);
    },
  );
});
