// Several processes that mpirun starts: what they compute together, and how they end when one of them does.

import { noMpi, prepareMpi, started, withoutMpi, type JobOptions } from '@sympow-tools/mpirun';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sympow-mpi-'));
const limit = 120_000;
let written = 0;

/** Runs a program on several processes, in which `c` is the communicator and `say` tells a line. */
function ranks(size: number, body: string, options?: JobOptions) {
  const url = new URL('../dist/index.js', import.meta.url).href;
  const file = join(folder, `${written++}.mjs`);
  const head = `import { openMpi } from ${JSON.stringify(url)};
    const c = await openMpi({ silence: Number(process.env.SILENCE ?? 6000), library: process.env.LIBRARY });
    const say = (...words) => process.stderr.write(\`\${c.rank}: \${words.join(' ')}\\n\`);`;
  writeFileSync(file, `${head}\n${body}`);
  return started(size, [file], options);
}

/** What each process said, in the order of the ranks. */
const told = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^\d+: /.test(line))
    .sort();

describe.skipIf(withoutMpi())(`several processes${noMpi() ? ` (${noMpi()})` : ''}`, () => {
  beforeAll(() => prepareMpi(), limit);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([2, 3, 4])(
    'sums, maxima and broadcasts of %d come to the same on all, and each time',
    async (size) => {
      const body = `
        import { createHash } from 'node:crypto';
        const hash = createHash('sha256');
        const length = 1_050_001; // more than one exchange, and no multiple of the processes
        const own = (r) => Float32Array.from({ length }, (_, i) => Math.sin(i * (r + 1)) * 1e-6);
        const all = Array.from({ length: c.size }, (_, r) => own(r));
        const worst = (got, of) => got.reduce((most, x, i) => Math.max(most, Math.abs(x - of(i))), 0);
        for (const [format, most] of [['float32', 1e-12], ['bfloat16', 4e-8], ['float16', 5e-9]]) {
          const numbers = own(c.rank);
          await c.allReduce(numbers, 'sum', format);
          const error = worst(numbers, (i) => all.reduce((sum, one) => sum + one[i], 0));
          if (!(error < most)) say(format, 'is', error, 'away');
          hash.update(numbers);
        }
        const shared = new Float32Array(new SharedArrayBuffer(4 * 5)).fill(c.rank);
        await c.allReduce(shared, 'max', 'bfloat16');
        for (const root of c.hosts.keys()) hash.update(await c.broadcast(new Uint8Array(root === c.rank ? 3 * root : 99).fill(root), root));
        const few = Float32Array.of(c.rank);
        await Promise.all([c.allReduce(few, 'sum'), c.barrier(), c.allReduce(new Float32Array(), 'sum')]);
        const none = Float32Array.of(NaN, 1);
        await c.allReduce(none, 'sum', 'float16');
        say(shared.join(), few.join(), none.join(), hash.digest('hex'));
        await c.close();`;
      const first = await ranks(size, body).ended;
      expect(first.code, first.stderr).toBe(0);
      const lines = told(first.stderr);
      expect(lines).toHaveLength(size);
      const words = lines.map((line) => line.slice(3));
      expect(new Set(words).size, lines.join('\n')).toBe(1);
      const sum = (size * (size - 1)) / 2;
      expect(words[0]).toMatch(
        new RegExp(
          `^${Array(5)
            .fill(size - 1)
            .join()} ${sum} NaN,${size} `,
        ),
      );
      if (size !== 2) return;
      expect(told((await ranks(size, body).ended).stderr)).toEqual(lines);
    },
    limit,
  );

  it(
    'the event loop runs, and little of a processor is taken, while a process waits for another',
    async () => {
      const { code, stderr } = await ranks(
        2,
        `
        if (c.rank === 1) await new Promise((resolve) => setTimeout(resolve, 3000));
        let turns = 0;
        const timer = setInterval(() => turns++, 20);
        const before = process.cpuUsage();
        await c.barrier();
        const { user, system } = process.cpuUsage(before);
        clearInterval(timer);
        if (c.rank === 0) say(turns > 20, (user + system) / 1e6 < 1.5);
        await c.close();`,
      ).ended;
      expect(code, stderr).toBe(0);
      expect(told(stderr)).toEqual(['0: true true']);
    },
    limit,
  );

  it(
    'an abort has what waits on the others reject with its reason and its rank',
    async () => {
      const { code, stderr } = await ranks(
        3,
        `
        if (c.rank === 1) c.abort(new Error('the disk is full'));
        for (const call of [() => c.barrier(), () => c.broadcast(new Uint8Array(), 0)])
          await call().catch(({ message }) => say(message));
        await c.close();
        setTimeout(() => process.exit(3), 500);`,
      ).ended;
      expect(code).not.toBe(0);
      const all = told(stderr);
      expect(all.filter((line) => line.startsWith('1: '))).toEqual(['1: the disk is full', '1: the disk is full']);
      for (const rank of [0, 2]) {
        const theirs = all.filter((line) => line.startsWith(`${rank}: `));
        expect(theirs).toHaveLength(2);
        for (const line of theirs) expect(line).toMatch(/^\d: rank 1 on .+: the disk is full; expected/);
      }
    },
    limit,
  );

  it(
    'a process that hangs is named by the others, though it computes nothing wrong',
    async () => {
      const start = `
        say('pid', process.pid);
        await c.barrier();
        if (c.rank === 1) { say('stops'); process.kill(process.pid, 'SIGSTOP'); }
        await c.barrier().catch(({ message }) => { say(message); process.exit(1); });`;
      const { stderr, seconds, code } = await ranks(2, start, { env: { ...process.env, SILENCE: '3000' } }).ended;
      expect(code).not.toBe(0);
      expect(told(stderr).join('\n')).toMatch(/0: rank 1 on .+ has not been heard of for 3 s: it is gone, it hangs/);
      expect(seconds).toBeLessThan(30);
    },
    limit,
  );

  it(
    'another MPI than Open MPI is refused with the reason',
    async ({ skip }) => {
      // A library that says what MPICH says.
      const source = join(folder, 'other.c');
      writeFileSync(
        source,
        '#include <string.h>\nint MPI_Get_library_version(char *t, int *n) { strcpy(t, "MPICH Version: 4.0.2"); *n = strlen(t); return 0; }',
      );
      const library = join(folder, 'libother.so');
      if (spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]).status !== 0) skip('needs a C compiler');
      const { code, stderr } = await ranks(2, '', { env: { ...process.env, LIBRARY: library } }).ended;
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/libother\.so is MPICH Version: 4\.0\.2, whose handles are numbers.*expected Open MPI/);
    },
    limit,
  );
});
