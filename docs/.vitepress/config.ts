// The site is the Markdown of the repository, at addresses that read well: the pages of this folder, the READMEs of packages, apps and
// examples, and the reference that reference.mjs makes. VitePress refuses to build where a link leads nowhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type DefaultTheme, type MarkdownOptions } from 'vitepress';

const root = fileURLToPath(new URL('../..', import.meta.url));
const repository = 'https://github.com/sympow/sympow';

const markdown = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const readmes = (group: string) =>
  readdirSync(join(root, group))
    .map((name) => `${group}/${name}/README.md`)
    .filter((file) => existsSync(join(root, file)));

/** Files, by the sections of the sidebar that take them in the order of their names. */
const packages = readmes('packages');
const apps = readmes('apps');
const examples = readmes('examples');
const experiments = markdown('docs/experiments');
const decisions = markdown('docs/decisions');
/** Where build.mjs has been. */
const reference = existsSync(join(root, 'docs/reference')) ? markdown('docs/reference') : [];

/** Every page: its file, and the Markdown file that the site takes it for. */
const pages = new Map<string, string>([
  ...markdown('docs')
    .filter((file) => file !== 'docs/README.md')
    .map((file) => [file, file.replace('docs/', '')] as const),
  ...[...packages, ...apps, ...examples].map((file) => [file, `${dirname(file)}.md`] as const),
  ...[...experiments, ...decisions, ...reference].map(
    (file) => [file, file.replace('docs/', '').replace('README', 'index')] as const,
  ),
  ['FEATURES.md', 'features.md'],
  ['CONTRIBUTING.md', 'contributing.md'],
]);

const addressOf = (file: string) => `/${pages.get(file)!.replace(/(index)?\.md$/, '')}`;

/** A line of the sidebar for each file that is there, named by its heading. */
const lines = (files: readonly string[]): DefaultTheme.SidebarItem[] =>
  files.filter((file) => pages.has(file)).map((file) => ({ text: headingOf(file), link: addressOf(file) }));

function headingOf(file: string): string {
  const heading = /^# (.+)$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? file;
  return heading.replaceAll('`', '');
}

type Token = Parameters<Parameters<NonNullable<MarkdownOptions['config']>>[0]['renderer']['render']>[0][number];

interface Page {
  readonly path: string;
  /** Where `path` is an address of `pages`, the file. */
  readonly realPath?: string;
}

/** Links of the repository, where they lead on the site: to a page, or else to the file in the repository. */
function readdress(token: Token, page: Page): void {
  token.children?.forEach((child) => readdress(child, page));
  const href = token.type === 'link_open' ? token.attrGet('href') : null;
  if (!href || /^([a-z]+:|#|\/)/.test(href)) return;
  const [path = '', anchor] = href.split('#');
  const target = relative(root, resolve(dirname(page.realPath ?? page.path), path));
  const file = [target, `${target}/README.md`].find((name) => pages.has(name));
  const there = file === undefined ? `${repository}/blob/main/${target}` : addressOf(file);
  token.attrSet('href', anchor === undefined ? there : `${there}#${anchor}`);
}

/** Where `vue` is installed: beside this file alone. */
const vue = {
  'vue/server-renderer': join(
    dirname(createRequire(import.meta.url).resolve('vue/package.json')),
    'server-renderer/index.mjs',
  ),
  vue: join(dirname(createRequire(import.meta.url).resolve('vue/package.json')), 'dist/vue.runtime.esm-bundler.js'),
};

const guide = [
  'start',
  'which-package',
  'examples',
  'method',
  'choose',
  'browsers',
  'from-pytorch',
  'state',
  'cluster',
  'errors',
  'questions',
];

export default defineConfig({
  title: 'sympow',
  description: 'Conformal symmetric power transformers in TypeScript',
  srcDir: '..',
  srcExclude: [
    '**/node_modules/**',
    '**/dist/**',
    '**/CHANGELOG.md',
    '.*/**',
    'runs/**',
    'tools/**',
    '*/*/src/**',
    'README.md',
    'docs/README.md',
    'CODE_OF_CONDUCT.md',
    'SECURITY.md',
  ],
  outDir: 'dist',
  cacheDir: 'node_modules/.cache/vitepress',
  rewrites: Object.fromEntries(pages),
  cleanUrls: true,
  // Pages lie outside of this folder, and what they are compiled to imports vue.
  vite: { resolve: { alias: vue } },
  markdown: {
    config: (md) =>
      md.core.ruler.push('addresses', ({ tokens, env }) => tokens.forEach((token) => readdress(token, env as Page))),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: repository }],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Packages', link: '/which-package' },
      ...(reference.length > 0 ? [{ text: 'Reference', link: '/reference/' }] : []),
      { text: 'Experiments', link: '/experiments/' },
    ],
    sidebar: [
      { text: 'Guide', items: lines(guide.map((name) => `docs/${name}.md`)) },
      { text: 'Packages', collapsed: true, items: lines([...packages, ...apps]) },
      { text: 'Examples', collapsed: true, items: lines(examples) },
      {
        text: 'Measured',
        collapsed: true,
        items: lines(['docs/leaderboard.md', 'docs/speed.md', 'FEATURES.md', ...experiments]),
      },
      { text: 'Reference', collapsed: true, items: lines(reference) },
      {
        text: 'Behind it',
        collapsed: true,
        items: lines(['CONTRIBUTING.md', ...decisions, 'docs/rejected.md', 'docs/dependencies.md']),
      },
    ],
  },
});
