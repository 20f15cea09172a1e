// Runs a backend over golden files and prints one JSON line: the relative RMS error of every quantity, and those over their
// limit. Exits with 1 when there are any, with 2 when it was called wrongly.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { backends, openBackend } from '@sympow/backends';
import type { Backend } from '@sympow/kernels';
import { parseSafetensors } from '@sympow/safetensors';
import { attentionErrors } from './attention';
import { checkpointErrors, isCheckpoint } from './checkpoint';
import type { Quantity } from './golden';
import { hasKinds, kindErrors } from './kinds';
import { modelErrors } from './model';

/** Backends with options of their own, beside those of the list. */
const others: Readonly<Record<string, readonly [name: string, own: object]>> = {
  js64: ['js', { float: 'float64' }],
  'gpujs-cpu': ['gpujs', { mode: 'cpu' }],
};
const names = [...backends.map(({ name }) => name), ...Object.keys(others)];

const usage = `usage: golden [--backend ${names.join('|')}] [--create DAWN_OPTION]… FILE|FOLDER…`;

async function check(backend: Backend, path: string): Promise<Quantity[]> {
  if (await isCheckpoint(path)) return checkpointErrors(backend, path);
  const file = parseSafetensors(new Uint8Array(await readFile(path)), { source: path });
  if ('config' in file.metadata) return modelErrors(backend, file);
  return hasKinds(file) ? kindErrors(backend, file) : attentionErrors(backend, file);
}

async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { backend: { type: 'string', default: 'js' }, create: { type: 'string', multiple: true, default: [] } },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    return 2;
  }
  const { backend: asked, create: dawn } = parsed.values;
  if (!names.includes(asked) || parsed.positionals.length === 0) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const [name, own] = others[asked] ?? [asked, undefined];
  const { backend } = await openBackend(name, { own, dawn, engineFlags: 'off' });
  const quantities: Quantity[] = [];
  for (const path of parsed.positionals) quantities.push(...(await check(backend, path)));
  await backend.close();
  const over = quantities.filter(({ error, limit }) => !(error <= limit));
  const line = {
    backend: backend.name,
    passed: over.length === 0,
    over: over.map(({ name, error, limit }) => ({ name, error, limit })),
    errors: Object.fromEntries(quantities.map(({ name, error }) => [name, error])),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return over.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`golden: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
