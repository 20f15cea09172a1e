// Builds the documentation into docs/dist, a static site that any server can hand out: `node docs/build.mjs`. First the reference out of the
// doc comments, then the pages, then every link inside is followed, anchors and files of the repository included.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from '../tools/generate.mjs';
import { root } from '../tools/workspace.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const site = join(here, 'dist');

/** @param {string} program @param {string[]} args */
function run(program, ...args) {
  const { status } = spawnSync(program, args, { cwd: here, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`);
}

/** One page for each package, under its name. */
function reference() {
  const folder = join(here, 'reference');
  rmSync(folder, { recursive: true, force: true });
  run('npx', 'typedoc');
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'src.md')));
  const texts = new Map(names.map((name) => [`${name}.md`, readFileSync(join(folder, name, 'src.md'), 'utf8')]));
  for (const name of names) {
    const page = `${name}.md`;
    const text = texts
      .get(page)
      ?.replace(/^# .*$/m, `# @sympow/${name}`)
      .replaceAll(/\]\(\.\.\/([\w-]+)\/src\.md/g, ']($1.md')
      // A name that differs from another by its capitals alone counts as its second, also where the other is not exported.
      .replaceAll(/\]\(([\w-]+\.md)?#(\w+)-1\)/g, (link, file, anchor) => {
        const headings = texts.get(file ?? page)?.match(new RegExp(`^#+ ${anchor}(\\(\\))?$`, 'gim')) ?? [];
        return headings.length > 1 ? link : `](${file ?? ''}#${anchor})`;
      });
    rmSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, page), text ?? '');
  }
  const list = names.map((name) => `- [@sympow/${name}](${name}.md)\n`).join('');
  writeFileSync(
    join(folder, 'README.md'),
    `# Reference\n\nWhat each package exports, out of its doc comments.\n\n${list}`,
  );
}

/** Pages of the site, by their addresses. @returns {Map<string, string>} */
function pages() {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
  return new Map(
    files.map((file) => [
      `/${file.replace(/(^|\/)index\.html$|\.html$/, '$1')}`,
      readFileSync(join(site, file), 'utf8'),
    ]),
  );
}

/** @returns {{ followed: number, dead: string[] }} */
function follow() {
  const all = pages();
  const places = new Map(
    [...all].map(([address, html]) => [address, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  );
  const dead = new Set();
  let followed = 0;
  for (const [address, html] of all) {
    for (const [, href = ''] of html.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      const [path = '', anchor] = decodeURI(href).split('#');
      const file = /^https:\/\/github\.com\/sympow\/sympow\/blob\/main\/(.*)$/.exec(path)?.[1];
      if (/^[a-z]+:/.test(path) && file === undefined) continue;
      followed++;
      const target = path === '' ? address : path;
      const there =
        file !== undefined ? existsSync(join(root, file)) : places.has(target) || existsSync(join(site, target));
      if (!there || (anchor && file === undefined && !places.get(target)?.has(anchor))) dead.add(`${address}: ${href}`);
    }
  }
  return { followed, dead: [...dead] };
}

await generate();
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
run('npx', '-y', packageManager, 'install', '--frozen-lockfile');
reference();
run('npx', 'vitepress', 'build', '.');
const { followed, dead } = follow();
for (const link of dead) process.stdout.write(`leads nowhere: ${link}\n`);
process.stdout.write(`docs/dist: ${followed} links followed, ${dead.length} lead nowhere\n`);
process.exitCode = dead.length > 0 ? 1 : 0;
