import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import { expect, it } from 'vitest';
import { svgChart } from './svgChart';
import { load } from './vega';

const series = [{ name: 'loss', points: [64, 128].map((x) => ({ x, y: 2 + 8 / x })) }];

it('a package that is not there is named, with what installs it', async () => {
  await expect(load('no-such-vega')).rejects.toMatchObject({
    code: 'MISSING_PACKAGE',
    message:
      'the package no-such-vega cannot be loaded; expected it beside @sympow/evaluation, to draw charts as SVG. ' +
      'Install it with npm install vega vega-lite.',
  });
});

it('draws with packages that are handed over what it draws with its own', async () => {
  expect(await svgChart(series, { vega: { vega, vegaLite } })).toBe(await svgChart(series));
  await expect(svgChart(series, { vega: { vega: {}, vegaLite: {} } })).rejects.toThrow();
});
