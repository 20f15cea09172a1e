import { ConfigError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { ChartSeries } from './chartApi';
import { positionText, xTicks } from './axis';
import { svgChart } from './svgChart';
import { terminalChart } from './terminalChart';

const points = (...ys: number[]) => ys.map((y, i) => ({ x: 64 * 2 ** i, y, stderr: 0.1 }));
const two: ChartSeries[] = [
  { name: 'softmax', points: points(4, 3, 2.5, 2.6, 3.4) },
  { name: 'conformal', points: points(3.9, 2.9, 2.4, 2.2, 2.1) },
];
const rule = { x: 256, label: 'trained to 256' };

/** Terminal codes taken out. */
const plain = (text: string) => text.replace(/\u001b\[\d+m/g, '');

describe('terminal chart', () => {
  it('draws lines, points, ticks, rule and legend', () => {
    const chart = terminalChart(two, { title: 'Loss by position', rule, width: 60, height: 9 });
    expect(`\n${chart}\n`).toMatchInlineSnapshot(`
      "
      Loss by position
      nats per token           trained to 256
       4 ┤ ●⡀                         ┊
         │ ⠈⠙⠳⣤⣀                      ┊
         │     ⠉⠳⢦⣄⡀                  ┊                         ●
         │        ⠈⠙⠶⣤⡀               ┊                     ⣀⠤⠒⠉
       3 ┤            ⠙⠳▲⣄⣀⡀          ┊                 ⣀⠤⠒⠉
         │               ⠈⠉⠙⠛⠶⢦⣤⣄⣀    ┊             ⣀⠤⠒⠉
         │                      ⠈⠉⠛⠳⠶⢦●⣤⡤⠔⠒⠒⠒⠒⠒⠒⠉⠉⠉●
         │                            ┊ ⠈⠉⠉⠉⠑⠒⠒⠒⠒⠤⠤▲⠤⠤⢄⣀⣀⣀⣀⣀⣀⡀
       2 ┤                            ┊                      ⠈⠉⠉▲
         └─┬────────────┬─────────────┬────────────┬────────────┬─
          64           128           256          512          1k
                           position in the context
        ● softmax   ▲ conformal
      "
    `);
  });

  it('does with ASCII', () => {
    const chart = terminalChart(two, { rule, width: 60, height: 9, ascii: true });
    expect(chart).toMatch(/^[\x20-\x7e\n]*$/);
    expect(`\n${chart}\n`).toMatchInlineSnapshot(`
      "
      nats per token           trained to 256
       4 + o.                         :
         | ''...                      :
         |     '....                  :                         o
         |        ''...               :                     ..''
       3 +            '.x...          :                 ..''
         |               ''''.....    :             ..''
         |                      '''...o...'''''''''o
         |                            : '''''''''..x..........
       2 +                            :                      '''x
         +-+------------+-------------+------------+------------+-
          64           128           256          512          1k
                           position in the context
        o softmax   x conformal
      "
    `);
  });

  it.each([32, 40, 80, 200])('keeps to %i columns', (width) => {
    const many = Array.from({ length: 12 }, (_, i) => ({
      name: `model ${i} with a name of ${'some '.repeat(20)}length`,
      points: points(...Array.from({ length: 20 }, (_, t) => 1 / (i + t + 1))),
    }));
    const long = { title: 'title '.repeat(50), xLabel: 'x '.repeat(200), yLabel: 'y '.repeat(200) };
    for (const rule of [undefined, { x: 64, label: 'label '.repeat(50) }, { x: 2 ** 25, label: 'the end' }]) {
      for (const color of [false, true]) {
        const lines = plain(terminalChart(many, { ...long, rule, width, color })).split('\n');
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
      }
    }
  });

  it('is the same with colours, but for the codes', () => {
    const colored = terminalChart(two, { rule, color: true });
    expect(colored).toContain('\u001b[36m');
    expect(plain(colored)).toBe(terminalChart(two, { rule }));
  });

  it('leaves out what is not finite, and does with one point or a flat line', () => {
    const broken = { name: 'broken', points: points(NaN, 2, Infinity, -Infinity, 2) };
    expect(terminalChart([broken, two[0]!])).toContain('● broken');
    expect(terminalChart([{ name: 'one', points: points(0) }])).toContain('●');
    expect(terminalChart([{ name: 'flat', points: points(2, 2, 2) }])).toMatch(/2\.0 ┤.*●.*●.*●/);
    expect(terminalChart([{ name: 'tiny', points: points(1e-12, 2e-12) }])).toContain('●');
    expect(terminalChart([{ name: 'huge', points: points(1e12, -3e12) }])).toContain('●');
  });

  it('takes line breaks and terminal codes out of names', () => {
    const chart = terminalChart([{ name: 'a\u001b[31m\nb', points: points(1, 2) }], { title: 'x\r\ny' });
    expect(chart).toContain('● a [31m b');
    expect(chart.split('\n')[0]).toBe('x y');
  });
});

describe('every chart', () => {
  const charts: [string, (series: ChartSeries[], options?: { width?: number; height?: number }) => Promise<string>][] =
    [
      ['terminal', async (...args) => terminalChart(...args)],
      ['svg', svgChart],
    ];

  it.each(charts)('(%s) refuses what it cannot draw', async (_, chart) => {
    await expect(chart([])).rejects.toThrow(ConfigError);
    await expect(chart([{ name: 'a', points: [] }])).rejects.toThrow(ConfigError);
    await expect(chart([{ name: 'a', points: points(NaN) }])).rejects.toThrow(ConfigError);
    await expect(chart([{ name: 'a', points: [{ x: 0, y: 1 }] }])).rejects.toThrow('above 0');
    await expect(chart([two[0]!, two[0]!])).rejects.toThrow('no other series');
    await expect(chart(two, { width: 10 })).rejects.toThrow(ConfigError);
    await expect(chart(two, { height: 2.5 })).rejects.toThrow(ConfigError);
  });

  it('has ticks at powers of two', () => {
    const frame = { series: [], y: [0, 1] as const, yStep: 1 };
    expect(xTicks({ ...frame, x: [60, 1100] }, 9)).toEqual([64, 128, 256, 512, 1024]);
    expect(xTicks({ ...frame, x: [32, 2 ** 20] }, 6)).toEqual([64, 512, 4096, 32768, 262144]);
    expect([1, 1000, 1024, 65536, 2 ** 20].map(positionText)).toEqual(['1', '1000', '1k', '64k', '1M']);
  });
});

/** Where texts end, from the left of the picture, with letters 7 wide. */
function rightEnds(svg: string): Map<string, number> {
  const ends = new Map<string, number>();
  const shifts = [0];
  for (const [, close, tag, attributes, text] of svg.matchAll(/<(\/?)(g|text)\b([^>]*)>([^<]*)/g)) {
    const shift = shifts.at(-1) + Number(attributes!.match(/translate\((-?[\d.]+)/)?.[1] ?? 0);
    if (tag === 'text' && !close) ends.set(text!, shift + 7 * text!.length);
    else if (tag === 'g' && close) shifts.pop();
    else if (tag === 'g' && !attributes!.endsWith('/')) shifts.push(shift);
  }
  return ends;
}

describe('svg chart', () => {
  const options = { title: 'Loss <by> position', subtitle: 'a & b', rule, width: 640, height: 400 };
  const points = [
    { x: 1, y: 1 },
    { x: 2, y: 2 },
  ];

  it('tells more series than there are colours apart, in the legend too', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `model ${i}`);
    const svg = await svgChart(names.map((name) => ({ name, points })));
    const legend = svg.slice(svg.indexOf('role-legend'));
    for (const name of names) expect(legend).toContain(`>${name}</text>`);
    const symbols = [...legend.matchAll(/role-legend-symbol[^]*?<path[^>]* (d="[^"]*" fill="[^"]*")/g)].map(
      ([, seen]) => seen,
    );
    expect(symbols).toHaveLength(10);
    expect(new Set(symbols).size).toBe(10);
  });

  it('has room for all names in the legend', async () => {
    for (const length of [5, 14, 24, 60]) {
      const names = Array.from({ length: 11 }, (_, i) => `model ${i}`.padEnd(length, '.'));
      const ends = rightEnds(await svgChart(names.map((name) => ({ name, points }))));
      for (const name of names) expect(ends.get(name)).toBeLessThan(800);
      expect(Math.max(...ends.values())).toBeGreaterThan(length === 60 ? 400 : 600);
    }
  });

  it('has everything in it, and is the same every time', async () => {
    const [first, second] = await Promise.all([svgChart(two, options), svgChart(two, options)]);
    expect(first).toBe(second);
    expect(await svgChart(two, options)).toBe(first);
    expect(first).toMatch(/^<svg[^>]* width="640" height="400" viewBox="0 0 640 400"/);
    expect(first).not.toMatch(/NaN|undefined|Infinity| id="/);
    const texts = [...first.matchAll(/<text[^>]*>([^<]*)/g)].map((match) => match[1]);
    for (const text of [
      'Loss &lt;by&gt; position',
      'a &amp; b',
      'trained to 256',
      'softmax',
      'conformal',
      '64',
      '1k',
      '2.0',
    ]) {
      expect(texts).toContain(text);
    }
    expect(texts).toContain('position in the context');
    expect(texts).toContain('nats per token');
  });

  it('draws series whatever their names are to JavaScript', async () => {
    const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty', '<b>'];
    const svg = await svgChart(names.map((name, i) => ({ name, points: two[0]!.points.slice(i % 2) })));
    for (const name of names.slice(0, -1)) expect(svg).toMatch(new RegExp(`>${name}\\s*<`));
    expect(svg).toContain('>&lt;b&gt;<');
  });

  it('draws with missing points and without standard errors', async () => {
    const broken = {
      name: 'a',
      points: [
        { x: 1, y: NaN },
        { x: 2, y: 2, stderr: null },
        { x: 4, y: 3 },
        { x: 8, y: Infinity },
      ],
    };
    expect(await svgChart([broken])).not.toMatch(/NaN|Infinity/);
    expect(await svgChart([{ name: 'one', points: [{ x: 1e6, y: -1 }] }])).not.toMatch(/NaN|Infinity/);
  });
});
