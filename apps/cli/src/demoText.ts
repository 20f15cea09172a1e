// What the demo learns from: text that is there without anybody bringing any.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface DemoText {
  readonly paths: readonly string[];
  /** As in: learns to write …. */
  readonly what: string;
  /** How its texts may begin. */
  readonly prompt: string;
}

/** What a person names; else the declarations of a TypeScript that is installed; else this program's own libraries. */
export function demoText(data: readonly string[] | undefined): DemoText {
  if (data) return { paths: data, what: data.join(' and '), prompt: '\n' };
  const declarations = typescriptDeclarations(process.cwd());
  return declarations.length > 0
    ? { paths: declarations, what: 'TypeScript declarations', prompt: 'interface ' }
    : { paths: ownLibraries(), what: 'the code of sympow itself', prompt: 'export ' };
}

/** The declaration files of the TypeScript that a folder has, if it has one; every clone of this project does. */
export function typescriptDeclarations(folder: string): string[] {
  try {
    const lib = join(dirname(createRequire(join(folder, 'index.js')).resolve('typescript/package.json')), 'lib');
    // The declarations for workers repeat those of pages: held-out text must not have been read in training.
    const own = (name: string) => /^lib\..*\.d\.ts$/.test(name) && !name.includes('webworker');
    return readdirSync(lib)
      .filter(own)
      .map((name) => join(lib, name));
  } catch {
    return [];
  }
}

/** The libraries that this program is made of, as they are installed beside it: code, declarations and what explains them. */
export function ownLibraries(): string[] {
  const manifest = fileURLToPath(new URL('../package.json', import.meta.url));
  const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies: Record<string, string> };
  // Backends carry machine code and shaders, which read otherwise.
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@sympow/') && !name.includes('backend'))
    .map((name) => dirname(createRequire(manifest).resolve(`${name}/package.json`)))
    .flatMap((library) => ['dist/index.js', 'dist/index.d.ts', 'README.md'].map((file) => join(library, file)))
    .filter((file) => existsSync(file));
}
