// Sources that are made from other sources, before anything reads them: type checks, tests and builds. A workspace says in its
// generate.mjs what it makes: the `inputs` it depends on, and `outputs`, each with what returns its text. The first line of what is
// made names the hash of what it was made from.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root, workspaces } from './workspace.mjs';

/** @typedef {{ inputs: string[], outputs: Record<string, () => Promise<string>> }} Generator */

/** @param {string} directory @param {string[]} inputs */
function fingerprint(directory, inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const path = join(directory, input);
    const files = statSync(path).isDirectory() ? readdirSync(path).sort() : [''];
    for (const file of files) hash.update(`${input}/${file}\n`).update(readFileSync(join(path, file)));
  }
  return hash.digest('hex');
}

/** Brings every generated source up to date; does nothing when they are. */
export async function generate() {
  for (const { directory } of workspaces()) {
    const folder = join(root, directory);
    if (!existsSync(join(folder, 'generate.mjs'))) continue;
    /** @type {Generator} */
    const generator = await import(pathToFileURL(join(folder, 'generate.mjs')).href);
    const first = `// Made by generate.mjs from ${fingerprint(folder, generator.inputs)}\n`;
    for (const [name, text] of Object.entries(generator.outputs)) {
      const output = join(folder, name);
      if (existsSync(output) && readFileSync(output, 'utf8').startsWith(first)) continue;
      writeFileSync(`${output}.${process.pid}`, first + (await text()));
      renameSync(`${output}.${process.pid}`, output);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generate();
