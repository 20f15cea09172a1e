// Every screen as it is looked at: by people in pictures, and by rules.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';

/** Whether pictures are taken: they show a model that has learnt something, which takes a minute. */
export const pictures = process.env.SCREENS !== undefined;

/** Phone, tablet, desk. */
export const widths = [390, 820, 1440];

/** A screen with something on it, once a tiny model is there. */
export interface Screen {
  readonly name: string;
  readonly link: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

export const screens: readonly Screen[] = [
  { name: 'train', link: 'Train' },
  {
    name: 'stretch',
    link: 'Stretch',
    async prepare(page) {
      await page.getByLabel('Length').selectOption(pictures ? '4096' : '1024');
      await page.getByRole('button', { name: 'Read' }).click();
      await page.getByRole('button', { name: 'Stop' }).waitFor();
      await page.getByRole('button', { name: 'Read' }).waitFor({ timeout: 300_000 });
    },
  },
  {
    name: 'talk',
    link: 'Talk',
    async prepare(page) {
      await page.getByLabel('At most').fill(pictures ? '1000' : '300');
      const write = page.getByRole('button', { name: 'Write', exact: true });
      await write.click();
      const mark = page.getByRole('button', { name: 'Mark this place' }).and(page.locator(':enabled'));
      await mark.click();
      await page.getByRole('button', { name: /^Back to/ }).waitFor();
    },
  },
  {
    name: 'look',
    link: 'Look inside',
    async prepare(page) {
      await page.getByRole('button', { name: 'Look', exact: true }).click();
      await page.getByText(/takes its answer from/).waitFor();
      for (let i = 0; i < 2; i++) await page.getByRole('button', { name: 'Next step' }).click();
    },
  },
  {
    name: 'measure',
    link: 'Measure',
    async prepare(page) {
      await page.getByRole('button', { name: 'Measure' }).click();
      await page.getByLabel('Report, to paste into an issue').waitFor({ timeout: 150_000 });
    },
  },
  { name: 'keep', link: 'Keep' },
];

export interface Shot {
  readonly name: string;
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

/** Pictures for the documentation: few, as they stay in the history. */
const published = ({ width, colorScheme }: Shot) =>
  (width === 1440 && colorScheme === 'light') || (width === 390 && colorScheme === 'dark');
const documentation = fileURLToPath(new URL('../../../docs/playground', import.meta.url));

/**
 * Takes a picture: as PNG into the folder that `SCREENS` names, and with `SCREENS=docs` those of the documentation into it, as WebP.
 * Without `SCREENS`, none.
 */
export async function look(page: Page, shot: Shot): Promise<void> {
  const folder = process.env.SCREENS;
  if (!folder) return;
  const { name, width, colorScheme } = shot;
  await page.evaluate(() => scrollTo(0, 0));
  if (folder !== 'docs') {
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
  } else if (published(shot)) {
    mkdirSync(documentation, { recursive: true });
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 70 });
    writeFileSync(join(documentation, `${name}-${width}-${colorScheme}.webp`), Buffer.from(data, 'base64'));
    await session.detach();
  }
}

/** What makes the page wider than its window: none of it should. */
export function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 0.5,
    );
    return [`${scrollWidth} of ${clientWidth} px`, ...wide.map(({ tagName, className }) => `${tagName}.${className}`)];
  });
}
