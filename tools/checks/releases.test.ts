// Three releases, rehearsed on a copy of the manifests: what the changesets that wait would publish, a patch of one package, a minor of
// one backend. All packages have one version, and no range of an optional peer makes a release larger than it is.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { read, root, workspaces, type Manifest } from '../workspace.mjs';

const everything = workspaces(['packages', 'apps', 'tools', 'examples']);
const published = everything.filter(({ manifest }) => !manifest.private);
const copy = mkdtempSync(join(tmpdir(), 'sympow-releases-'));
afterAll(() => rmSync(copy, { recursive: true }));

beforeAll(() => {
  for (const file of ['package.json', 'pnpm-workspace.yaml', '.changeset']) {
    cpSync(join(root, file), join(copy, file), { recursive: true });
  }
  for (const { directory } of everything) {
    mkdirSync(join(copy, directory), { recursive: true });
    cpSync(join(root, directory, 'package.json'), join(copy, directory, 'package.json'));
  }
  run('git', 'init', '-q', '-b', 'main');
  commit();
});

function run(command: string, ...parameters: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, parameters, { cwd: copy, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}\n${stdout}${stderr}`);
}

function commit(): void {
  run('git', 'add', '-A');
  run('git', '-c', 'user.name=release', '-c', 'user.email=release@localhost', 'commit', '-qm', 'release');
}

/** Takes the changesets that wait into versions, and says which versions the published packages have then. */
function release(changeset?: { readonly of: string; readonly bump: 'patch' | 'minor' }): string[] {
  if (changeset) {
    const text = `---\n'${changeset.of}': ${changeset.bump}\n---\n\nA ${changeset.bump} of ${changeset.of}.\n`;
    writeFileSync(join(copy, '.changeset/rehearsed.md'), text);
  }
  run(process.execPath, join(root, 'node_modules/@changesets/cli/bin.js'), 'version');
  commit();
  return [...new Set(manifests().map(({ version }) => version))];
}

const manifests = (): Manifest[] => published.map(({ directory }) => read(join(copy, directory)));
const changelog = (directory: string) => readFileSync(join(copy, directory, 'CHANGELOG.md'), 'utf8');

// All changesets that wait go into all changelogs.
it('the first release publishes every package as 0.1.0, each with a changelog', { timeout: 120_000 }, () => {
  expect(release()).toEqual(['0.1.0']);
  expect(readdirSync(join(copy, '.changeset')).filter((name) => name.endsWith('.md'))).toEqual([]);
  for (const { directory } of published) expect(changelog(directory), directory).toContain('## 0.1.0');
});

it('a patch of embedding makes all of them 0.1.1', () => {
  expect(release({ of: '@sympow/embedding', bump: 'patch' })).toEqual(['0.1.1']);
  expect(changelog('packages/embedding')).toContain('A patch of @sympow/embedding.');
  expect(changelog('packages/model')).toContain('@sympow/embedding@0.1.1');
});

it('a minor of one backend makes all of them 0.2.0, although it is an optional peer of others', () => {
  expect(release({ of: '@sympow/backend-gpujs', bump: 'minor' })).toEqual(['0.2.0']);
  for (const manifest of manifests()) {
    const ranges = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const [name, range] of ranges) {
      if (!name.startsWith('@sympow/')) continue;
      const peer = Object.hasOwn(manifest.peerDependencies ?? {}, name);
      expect(range, `${manifest.name}: ${name}`).toBe(peer ? 'workspace:0.x' : 'workspace:^');
    }
  }
});

it('every package says where it lives', () => {
  for (const { directory, manifest } of published) {
    expect(manifest, directory).toMatchObject({
      homepage: `https://github.com/sympow/sympow/tree/main/${directory}#readme`,
      repository: { type: 'git', url: 'git+https://github.com/sympow/sympow.git', directory },
      bugs: 'https://github.com/sympow/sympow/issues',
      publishConfig: { access: 'public' },
      scripts: { prepack: 'node ../../tools/checks/prepack.mjs' },
    });
  }
});

it('npm does not pack what only pnpm can', () => {
  const { directory } = published[0]!;
  const env = { ...process.env, npm_config_user_agent: 'npm/10.8.2 node/v20.20.2 linux x64' };
  const { status, stderr } = spawnSync(process.execPath, ['../../tools/checks/prepack.mjs'], {
    ...{ cwd: join(root, directory), env, encoding: 'utf8' },
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining('use `pnpm pack`')]);
});
