// Every export has a doc comment: what a reader of the reference and of an editor's hints is shown.
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { entries, root, workspaces } from '../workspace.mjs';

/** The entry points of all packages, by their files. */
const points = new Map(
  workspaces(['packages', 'apps'])
    .filter(({ manifest }) => manifest.exports !== undefined)
    .flatMap(({ directory, manifest }) =>
      Object.values(entries(join(root, directory), manifest).points).map(
        (source) => [join(root, directory, source), manifest.name] as const,
      ),
    ),
);

it('every export has a doc comment', { timeout: 240_000 }, async () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: { extends: string };
  };
  const base = ts.parseJsonConfigFileContent({ ...config, include: [], files: [...points.keys()] }, ts.sys, root);
  const program = ts.createProgram([...points.keys()], { ...base.options, types: ['node'], noEmit: true });
  const checker = program.getTypeChecker();
  const missing: string[] = [];
  let seen = 0;
  for (const [file, name] of points) {
    const names = new Set(Object.keys((await import(file)) as object));
    const source = program.getSourceFile(file)!;
    for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(source)!)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      seen++;
      // A value under `export type` is there for the types of others alone.
      const value = !(symbol.flags & ts.SymbolFlags.Type);
      if (value && !names.has(exported.name)) continue;
      if (symbol.getDocumentationComment(checker).length === 0) missing.push(`${name}: ${exported.name}`);
    }
  }
  expect(seen).toBeGreaterThan(400);
  expect([...new Set(missing)].sort()).toEqual([]);
});
