// Fuzzes every parser, each in a process of its own with a limit of memory and of time for one input. Results go to standard
// output, ending in `N passed, N failed, N skipped`. Exits with 1 when anything went wrong, with 2 when it was called wrongly.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { check, type Checked, type Failure } from './check';
import type { Target } from './target';
import { targets } from './targets';
import { progress, watch } from './watch';

const usage = `usage: fuzz [NAME…] [--inputs N] [--seed N] [--path PATH] [--jobs N] [--list]
Shares the inputs, ${1e6} unless said otherwise, out over the parsers, or over those with a NAME. What goes wrong is printed with the
seed and the path that bring it back: fuzz NAME --inputs 1 --seed N --path PATH.
`;

/** Most MiB of a process, and most milliseconds of one input. */
const MEMORY = 1024;
const HANG = 5000;

/** How often an input may take longer when the machine is busy, and not when it is read once more. */
const MOST_SLOW = 3;

const { values, positionals } = parse();
if (values.child !== undefined) await child(values.child, positionals[0]!);
else process.exitCode = await all();

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        inputs: { type: 'string', default: '1000000' },
        seed: { type: 'string' },
        path: { type: 'string' },
        jobs: { type: 'string', default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
        list: { type: 'boolean', default: false },
        child: { type: 'string' },
      },
    });
  } catch (error) {
    return stop((error as Error).message);
  }
}

function stop(problem: string): never {
  process.stderr.write(`fuzz: ${problem}\n${usage}`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  stop(`--${name} is "${text}"; expected a whole number`);
}

/** One target in this process, for the one that watches it. */
async function child(name: string, path: string): Promise<void> {
  const target = targets.find((each) => each.name === name)!;
  const tell = progress(path);
  const checked = await check(target, {
    seed: whole('seed', values.seed!),
    inputs: whole('inputs', values.inputs),
    path: values.path,
    memory: MEMORY,
    before: tell,
  });
  process.stdout.write(JSON.stringify(checked), () => process.exit(0));
}

async function all(): Promise<number> {
  if (values.list) {
    process.stdout.write(targets.map(({ name }) => `${name}\n`).join(''));
    return 0;
  }
  const chosen = targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (chosen.length === 0) stop(`no parser is called ${positionals.join(' or ')}`);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed);
  const inputs = whole('inputs', values.inputs);
  const shares = chosen.reduce((sum, { share = 1 }) => sum + share, 0);
  let next = 0;
  let failed = 0;
  const worker = async () => {
    for (let at = next++; at < chosen.length; at = next++) {
      const target = chosen[at]!;
      const count = Math.max(1, Math.ceil((inputs * (target.share ?? 1)) / shares));
      const start = performance.now();
      const { sound, failure } = await watched(target, seed, count);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const counts = `${count} inputs in ${seconds} s, ${sound} of them sound`;
      process.stdout.write(`${failure ? 'FAILED' : 'passed'}  ${target.name}: ${counts}\n`);
      if (failure) failed++;
      if (failure) process.stdout.write(report(target, seed, failure));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, whole('jobs', values.jobs)) }, worker));
  process.stdout.write(`seed ${seed}\n${chosen.length - failed} passed, ${failed} failed, 0 skipped\n`);
  return failed > 0 ? 1 : 0;
}

/** Checks a target in a process of its own, which may hang or die. */
async function watched({ name }: Target, seed: number, inputs: number): Promise<Checked> {
  const main = fileURLToPath(import.meta.url);
  const begin = (from: string | undefined, count: number) => {
    const more = from === undefined ? [] : ['--path', from];
    const options = ['--child', name, '--seed', String(seed), '--inputs', String(count), ...more];
    return watch(['--max-old-space-size=512', main, ...options], HANG);
  };
  let [path, left, sound] = [values.path, inputs, 0];
  for (let slow = 0; ; slow++) {
    const { output, errors, hung, code, run } = await begin(path, left);
    if (code === 0 && !hung) {
      const checked = JSON.parse(output) as Checked;
      return { ...checked, sound: sound + checked.sound };
    }
    const number = Number(path?.split(':')[0] ?? 0) + Math.max(0, run);
    if (hung && slow < MOST_SLOW) {
      // Once more alone, as a busy machine may have stood still.
      const again = await begin(String(number), 1);
      if (again.code === 0 && !again.hung) {
        const checked = JSON.parse(again.output) as Checked;
        left -= run + 1;
        if (checked.failure || left <= 0) return checked;
        sound += checked.sound;
        path = String(number + 1);
        continue;
      }
    }
    const reason = hung ? `it took longer than ${HANG / 1000} s` : `the process ended with ${code}: ${errors}`;
    return { sound, failure: { reason, input: 'what stands at this path', path: String(number) } };
  }
}

function report({ name }: Target, seed: number, { reason, input, path }: Failure): string {
  const lines = [reason, `with ${input.length > 4000 ? `${input.slice(0, 4000)}…` : input}`];
  const again = `again: pnpm fuzz ${name} --inputs 1 --seed ${seed} --path ${path}`;
  return [...lines, again].join('\n').replace(/^/gm, '    ') + '\n';
}
