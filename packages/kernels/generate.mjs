// The definitions of all kernels, file by file, in a module of their own: what stands apart a bundler can leave out, and nobody
// has to write a kernel into one more list.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const inputs = ['src/catalogue', 'generate.mjs'];
export const outputs = { 'src/definitions.gen.ts': definitions };

const directory = fileURLToPath(new URL('src/catalogue', import.meta.url));

async function definitions() {
  const lines = readdirSync(directory)
    .sort()
    .flatMap((file) => {
      const [, name] = /^export const (\w+Js)\b/m.exec(readFileSync(join(directory, file), 'utf8')) ?? [];
      return name ? [`export { ${name} } from './catalogue/${file.replace('.ts', '')}';\n`] : [];
    });
  return `/** What the kernels mean: a page takes those that it calls, \`js()\` all of them. */\n\n${lines.join('')}`;
}
