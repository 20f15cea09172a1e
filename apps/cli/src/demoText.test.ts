import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { demoText, ownLibraries, typescriptDeclarations } from './demoText';

describe('the text of the demo', () => {
  it('is the declarations of a TypeScript that is installed', () => {
    const { paths, prompt } = demoText(undefined);
    expect(paths.some((path) => path.endsWith('lib.dom.d.ts'))).toBe(true);
    expect(prompt).toBe('interface ');
  });

  it('is what the program itself is made of where there is none', () => {
    expect(typescriptDeclarations(tmpdir())).toEqual([]);
    const paths = ownLibraries();
    expect(paths.filter((path) => path.endsWith('README.md')).length).toBeGreaterThan(5);
    expect(paths.every((path) => existsSync(path) && !path.includes('backend'))).toBe(true);
  });

  it('is what a person names, which need not be TypeScript', () => {
    expect(demoText(['my-texts'])).toEqual({ paths: ['my-texts'], what: 'my-texts', prompt: '\n' });
  });
});
