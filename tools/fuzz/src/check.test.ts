// What the fuzzer finds, in parsers that are wrong on purpose.
import { ConfigError } from '@sympow/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from './check';
import { target } from './target';
import { watch } from './watch';

const options = { seed: 1, inputs: 500, memory: 2 ** 20 };
const parser = (run: (text: string) => void | Promise<void>) => target({ name: 'x', inputs: fc.string(), run });
const typed = () => new ConfigError({ what: 'text', value: 'x', expected: 'none' });

describe('a check', () => {
  it('passes what reads, or refuses with an error of ours', async () => {
    const odd = (text: string) => {
      if (text.length % 2 === 1) throw typed();
    };
    const { sound, failure } = await check(parser(odd), options);
    expect(failure).toBeUndefined();
    expect(sound).toBeGreaterThan(100);
    expect(sound).toBeLessThan(400);
  });

  it('finds another error, and the smallest text that brings it', async () => {
    const { failure } = await check(
      parser((text) => void (text.length > 3 && (null as unknown as string).length)),
      options,
    );
    expect(failure!.reason).toMatch(/^TypeError: Cannot read properties of null/);
    expect((JSON.parse(failure!.input) as string).length).toBe(4);
    const again = await check(
      parser((text) => void (text.length > 3 && (null as unknown as string).length)),
      { ...options, inputs: 1, path: failure!.path },
    );
    expect(again.failure!.input).toBe(failure!.input);
  });

  it('finds a promise that was left alone', async () => {
    const { failure } = await check(
      parser((text) => void (text.includes('a') && void Promise.reject(typed()))),
      options,
    );
    expect(failure!.reason).toMatch(/^Error: a promise was left alone[^]*caused by ConfigError/);
    expect(failure!.input).toBe('"a"');
  });

  it('finds what takes more memory than there is for all', async () => {
    const taken = process.resourceUsage().maxRSS / 1024;
    const kept: Uint8Array[] = [];
    const { failure } = await check(
      parser((text) => void (text.length > 2 && kept.push(new Uint8Array(2 ** 28).fill(1)))),
      { ...options, memory: Math.ceil(taken) + 128 },
    );
    expect(failure!.reason).toMatch(/the process has taken \d+ MiB, more than \d+/);
  });
});

/** What `progress` does, for a program in one line. */
const tell = 'const tell = (n) => require("fs").writeFileSync(process.argv[1], new Float64Array([n]));';

describe('a watch', () => {
  it('hears a process out', async () => {
    const program = `${tell} for (let i = 0; i < 5; i++) tell(i); console.log("done"); console.error("so"); process.exit(3)`;
    const watched = await watch(['-e', program], 60_000);
    expect(watched).toEqual({ output: 'done\n', errors: 'so\n', hung: false, code: 3, run: 4 });
  });

  it('ends a process that hangs, and says with which input', async () => {
    const { hung, code, run } = await watch(['-e', `${tell} tell(0); tell(1); tell(2); for (;;);`], 500);
    expect({ hung, code, run }).toEqual({ hung: true, code: null, run: 2 });
  });

  it('notices a process that dies', async () => {
    const { hung, code, run } = await watch(['-e', `${tell} tell(7); process.kill(process.pid, "SIGABRT")`], 60_000);
    expect({ hung, code, run }).toEqual({ hung: false, code: null, run: 7 });
  });
});
