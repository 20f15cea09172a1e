// What every package's tests share: `@sympow/*` means the sources, never a build.
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import type { Page } from 'playwright';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { findChromium, noChromium } from './tools/chromium.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether a browser test's page is to be cross-origin isolated. */
    isolated: boolean;
    /** Whether all cases of long lists run, and loops to their end: `THOROUGH=1 npm test`, as at night. */
    thorough: boolean;
  }
}
declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Dedicated workers of the page that are alive, and theirs. */
    workers(): Promise<number>;
  }
}

const packages = fileURLToPath(new URL('./packages', import.meta.url));
const tool = (name: string) => fileURLToPath(new URL(`./tools/${name}/src/index.ts`, import.meta.url));
const shared: ViteUserConfig = {
  resolve: {
    alias: [
      { find: /^@sympow\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: '@sympow-tools/tiny', replacement: tool('tiny') },
      { find: '@sympow-tools/mpirun', replacement: tool('mpirun') },
    ],
  },
  // Node 20 does not parse `using`.
  oxc: { target: 'es2022' },
};
const elsewhere = ['**/node_modules/**', '**/dist/**'];
const thorough = process.env.THOROUGH === '1';
const inBrowsers = '**/*.browser.test.ts';

/** The Vitest project of one package, app or tool; `name` is what `vitest --project` takes. */
export function project(name: string) {
  return defineConfig({
    ...shared,
    test: {
      ...{ name, include: ['**/*.test.ts'], exclude: [...elsewhere, inBrowsers] },
      ...{ testTimeout: 20_000, provide: { isolated: false, thorough } },
    },
  });
}

/** WebGPU on the CPU, so that every machine computes the same; and nothing that Chromium does for itself. */
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // Its compiler takes half the time where the memory of workgroups is cleared by a loop: see gpu.cases.ts of backend-webgpu.
  '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** What a page needs for SharedArrayBuffer. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * The Vitest project of a package's tests in Chromium, `*.browser.test.ts`. Where there is no Chromium each of these files
 * is one skipped test that says so, and in CI one failure.
 *
 * @param isolated - whether the page is cross-origin isolated and so has SharedArrayBuffer
 */
export function browserProject(name: string, { isolated }: { isolated: boolean }) {
  const executablePath = findChromium();
  const test = { name, include: [inBrowsers], exclude: elsewhere, testTimeout: 240_000 };
  if (executablePath === undefined) return defineConfig({ ...shared, plugins: [absent()], test });
  return defineConfig({
    ...shared,
    plugins: [withoutNode()],
    server: { headers: isolated ? isolation : {} },
    test: {
      ...test,
      provide: { isolated, thorough },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: flags } }),
        instances: [{ browser: 'chromium' }],
        commands: { workers: ({ page }) => workersOf(page) },
      },
    },
  });
}

/** Asks the browser: Playwright's own list keeps a worker's worker that ends together with it. */
async function workersOf(page: Page): Promise<number> {
  const ofPage = await page.context().newCDPSession(page);
  const ofBrowser = await page.context().browser()!.newBrowserCDPSession();
  const { targetInfo } = await ofPage.send('Target.getTargetInfo');
  const { targetInfos } = await ofBrowser.send('Target.getTargets', { filter: [{ type: 'worker' }] });
  await Promise.all([ofPage.detach(), ofBrowser.detach()]);
  return targetInfos.filter(({ browserContextId }) => browserContextId === targetInfo.browserContextId).length;
}

/** Refuses sources that import a module of Node, which Vite would give an empty one in its place. */
function withoutNode() {
  return {
    name: 'without-node',
    enforce: 'pre' as const,
    resolveId(id: string, importer = '') {
      if (!isBuiltin(id) || importer.includes('node_modules')) return;
      throw new Error(`${importer} imports ${id}, which no browser has`);
    },
  };
}

/** Puts a test that says what is missing in the place of each file. */
function absent() {
  const reason = JSON.stringify(`needs Chromium (${noChromium()})`);
  const missing = process.env.CI ? `it(${reason}, () => { throw new Error(${reason}); });` : `it.skip(${reason});`;
  return {
    name: 'browser-absent',
    enforce: 'pre' as const,
    transform: (_code: string, id: string) =>
      id.endsWith('.browser.test.ts') ? `import { it } from 'vitest';\n${missing}\n` : undefined,
  };
}
