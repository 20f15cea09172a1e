// The WGSL files as one TypeScript table of strings, without their comments.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const inputs = ['wgsl', 'generate.mjs'];
export const outputs = { 'src/shaders.gen.ts': shaders };

const directory = fileURLToPath(new URL('wgsl', import.meta.url));

/** @param {string} source */
function withoutComments(source) {
  return source
    .split('\n')
    .map((line) => line.replace(/\s*\/\/.*$/, ''))
    .filter((line) => line.trim() !== '')
    .join('\n');
}

async function shaders() {
  const entries = readdirSync(directory)
    .sort()
    .map((file) => {
      const source = withoutComments(readFileSync(join(directory, file), 'utf8'));
      return `  ${JSON.stringify(basename(file, '.wgsl'))}: ${JSON.stringify(source)},\n`;
    });
  return `export const shaders: Readonly<Record<string, string>> = {\n${entries.join('')}};\n`;
}
