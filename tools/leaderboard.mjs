// Makes docs/leaderboard.md: `node tools/leaderboard.mjs BOOKS --machine "two cores of …" [--speed]`. BOOKS is a folder of texts. The loss
// of every variant of docs/experiments/books-small.json at its budget, and with --speed tokens per second of each backend on this
// machine; without it the page keeps the table that it has. A run that was stopped goes on.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { root } from './workspace.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { machine: { type: 'string' }, speed: { type: 'boolean' }, out: { type: 'string' } },
});
const [books] = positionals;
if (books === undefined || values.machine === undefined) {
  process.stderr.write('usage: node tools/leaderboard.mjs BOOKS --machine "two cores of …" [--speed] [--out FOLDER]\n');
  process.exit(2);
}
const page = join(root, 'docs/leaderboard.md');
const experiment = join(root, 'docs/experiments/books-small.json');
const out = resolve(values.out ?? join(root, 'runs/leaderboard'));

/** @param {string} workspace @param {readonly string[]} words */
const program = (workspace, words) =>
  execFileSync(process.execPath, [join(root, 'tools/run.mjs'), workspace, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const today = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const measured = `${today}, commit ${commit}, Node ${process.versions.node}, ${values.machine}.`;

/** Loss inside the training context, just beyond it and far beyond it, the best first. */
function losses() {
  program('apps/cli', ['compare', experiment, '--data', resolve(books ?? ''), '--out', out, '--backend', 'wasm']);
  /** @type {{ runs: { variant: string, loss: { bins: { from: number, to: number, nats: number, count: number }[] } }[] }} */
  const { runs } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'));
  /** @param {typeof runs[number]} run @param {number} from @param {number} to */
  const mean = ({ loss: { bins } }, from, to) => {
    const inside = bins.filter((bin) => bin.from >= from && bin.to <= to);
    const count = inside.reduce((sum, bin) => sum + bin.count, 0);
    return inside.reduce((sum, bin) => sum + bin.nats * bin.count, 0) / count;
  };
  const rows = runs.map((run) => ({ run, far: mean(run, 2048, 4096) })).sort((a, b) => a.far - b.far);
  return table(
    ['Model', '128–256', '→ 256–512', '→ 2,048–4,096'],
    rows.map(({ run, far }) => [
      run.variant,
      ...[mean(run, 128, 256), mean(run, 256, 512), far].map((nats) => nats.toFixed(3)),
    ]),
  );
}

/** What `bench` says of each backend; decode is in tokens per second, a training step in milliseconds. */
function speeds() {
  const rows = ['js', 'wasm'].flatMap((backend) => {
    /** @type {{ name: string, shape: string, ours: number, unit: string }[]} */
    const found = JSON.parse(program('tools/bench', ['decode', 'training', '--quick', '--json', '--backend', backend]));
    return found
      .filter(({ unit }) => unit === 'tokens/s' || unit === 'ms')
      .map(({ name, shape, ours, unit }) => [backend, name, shape, `${Math.round(ours).toLocaleString('en')} ${unit}`]);
  });
  const unique = [...new Map(rows.map((row) => [row.slice(0, 3).join(), row])).values()];
  return table(['Backend', 'What', 'Shape', 'Speed'], unique);
}

/** @param {string} text @param {string} part @param {string} body */
const put = (text, part, body) =>
  text.replace(new RegExp(`(<!-- ${part} -->)[^]*(<!-- /${part} -->)`), `$1\n\n${measured}\n\n${body}\n\n$2`);

let text = put(readFileSync(page, 'utf8'), 'loss', losses());
if (values.speed) text = put(text, 'speed', speeds());
writeFileSync(page, await format(text, { parser: 'markdown', printWidth: 120 }));
process.stdout.write(`${page} is written\n`);
