/** Vega and Vega-Lite, which draw charts: 25 MB, installed by those who want charts as SVG. */

import type * as vega from 'vega';
import type * as vegaLite from 'vega-lite';
import type { VegaPackages } from './chartApi';
import { MissingPackageError } from './errors';

/** {@link VegaPackages} as they are used. */
export interface Vega {
  readonly vega: Pick<typeof vega, 'parse' | 'View' | 'Warn'>;
  readonly vegaLite: Pick<typeof vegaLite, 'compile'>;
}

/**
 * Loads what `svgChart` draws with. It does so itself when the first chart is drawn; who loads it before learns in time that it is
 * not there. In a bundle it is not to be had by its name: import it there and hand it over.
 *
 * @throws MissingPackageError that says what to install
 *
 * @example
 * ```ts
 * import { loadVega, svgChart } from '@sympow/evaluation';
 *
 * const vega = await loadVega();
 * const svg = await svgChart([{ name: 'loss', points: [{ x: 64, y: 3 }, { x: 128, y: 2 }] }], { vega });
 * console.log(svg.startsWith('<svg')); // true
 * ```
 */
export async function loadVega(): Promise<VegaPackages> {
  return { vega: await load('vega'), vegaLite: await load('vega-lite') };
}

/** By a name that no bundler looks at: one that finds nothing there would stop, or warn, though nobody wants it. */
export async function load(name: string): Promise<object> {
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as object;
  } catch (cause) {
    throw new MissingPackageError({
      what: `the package ${name}`,
      value: 'not there',
      message: `the package ${name} cannot be loaded`,
      expected: 'it beside @sympow/evaluation, to draw charts as SVG',
      remedy: 'Install it with npm install vega vega-lite.',
      cause,
    });
  }
}
