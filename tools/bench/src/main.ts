// Checks and times. A table, or with --json one array of rows, goes to standard output; everything else to standard error.
// Exits with 1 when a result is wrong, with 2 when it was called wrongly.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { against, isSlower } from './against';
import { backends } from './backends';
import { ratioOf, type Benchmark, type Row, type Setting } from './benchmark';
import { WrongResult } from './check';
import { machine } from './machine';
import { collectGarbage, paces } from './measure';
import { rankSteps } from './rankSteps';
import { benchmarks, select } from './registry';
import { stepMemory } from './stepMemory';
import { comparison, table } from './table';

const usage = `usage: bench [NAME…] [--backend ${Object.keys(backends).join('|')}] [--quick] [--json] [--list] [--text PATH]
             [--against FOLDER [--rounds N]]
A NAME takes the benchmarks that have it in their name. The text that \`reader\` reads is that of a PATH, or what is installed here.
--against runs another checkout of this repository beside this one, N rounds in turns, and ends with 1 where a row is slower by 3 %.
${listed()}`;

function listed(): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length));
  return benchmarks.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
}

interface Choice extends Omit<Setting, 'say'> {
  readonly chosen: readonly Benchmark[];
}

async function measured({ chosen, ...setting }: Choice): Promise<Row[]> {
  const rows: Row[] = [];
  const say = (line: string) => process.stderr.write(`  ${line}\n`);
  for (const benchmark of chosen) {
    process.stderr.write(`${benchmark.name}: ${benchmark.summary}\n`);
    const start = performance.now();
    collectGarbage();
    for await (const { part, ...result } of benchmark.run({ ...setting, say })) {
      const { shape, ours, peer, peerName, unit } = result;
      rows.push({
        name: part ? `${benchmark.name}/${part}` : benchmark.name,
        shape,
        backend: benchmark.onBackend ? setting.backendName : 'none',
        ours,
        peer,
        peerName,
        ratio: ratioOf(result),
        unit,
        node: process.version,
      });
    }
    say(`${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
  return rows;
}

async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        against: { type: 'string' },
        backend: { type: 'string', default: 'js' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        'rank-steps': { type: 'string' },
        step: { type: 'string' },
        text: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const { quick } = values;
  if (values.help || values.list) {
    process.stdout.write(values.help ? usage : listed());
    return 0;
  }
  const { chosen, unknown } = select(positionals);
  const measuredBackend = Object.hasOwn(backends, values.backend) ? backends[values.backend] : undefined;
  if (unknown.length > 0 || !measuredBackend) {
    const what = unknown.length > 0 ? `no benchmark named ${unknown.join(', ')}` : `no backend ${values.backend}`;
    process.stderr.write(`bench: ${what}\n${usage}`);
    return 2;
  }
  if (values.against !== undefined) {
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) {
      process.stderr.write(`bench: --rounds ${values.rounds} is no number of rounds; expected 1 or more\n${usage}`);
      return 2;
    }
    const same = ['--backend', values.backend, ...(quick ? ['--quick'] : [])];
    const say = (line: string) => process.stderr.write(`${line}\n`);
    const found = against(resolve(values.against), [...positionals, ...same], rounds, say);
    process.stdout.write(values.json ? `${JSON.stringify(found)}\n` : `${machine()}\n\n${comparison(found)}`);
    return found.some(isSlower) ? 1 : 0;
  }
  if (measuredBackend.v8Flags) setFlagsFromString(measuredBackend.v8Flags);
  if (values.step !== undefined) {
    process.stdout.write(`${JSON.stringify(await stepMemory(values.step, measuredBackend.factory(), quick))}\n`);
    return 0;
  }
  if (values['rank-steps'] !== undefined) {
    const { factory, threaded } = measuredBackend;
    const first = await rankSteps(factory(threaded ? 1 : undefined), quick, Number(values['rank-steps']));
    if (first) process.stdout.write(`${JSON.stringify(first)}\n`);
    return 0;
  }
  process.stderr.write(`${machine()}\n`);
  const { factory, clock, threaded } = measuredBackend;
  const backend = await factory().open();
  try {
    const pace = { ...(quick ? paces.quick : paces.full), clock };
    const openWith = threaded ? (threads: number) => factory(threads).open() : undefined;
    const rows = await measured({
      chosen,
      backend,
      backendName: values.backend,
      openWith,
      quick,
      pace,
      text: values.text,
    });
    process.stdout.write(
      values.json
        ? `${JSON.stringify(rows)}\n`
        : `${machine()}\n\n${table(rows)}\nA ratio above 1 always means that ours is better, whichever way the unit runs.\n`,
    );
    return 0;
  } finally {
    await backend.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `bench: ${error instanceof WrongResult ? error.message : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = 1;
}
