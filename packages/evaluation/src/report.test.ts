import { ConfigError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { Evaluation, LossByPosition } from './api';
import { lossOfStreams } from './lossOfStreams.cases';
import { lossReport } from './report';

const loss = lossOfStreams;
const edges = [0, 64, 256, 1024, 4096];
const steady = [
  [3.1, 2.5, 2.41, 2.4],
  [3.0, 2.4, 2.32, 2.29],
  [3.2, 2.6, 2.48, 2.51],
];
const breaking = [
  [3.1, 2.5, 3.5, 6],
  [3.0, 2.4, 3.6, 6.1],
  [3.2, 2.6, 3.4, 6.2],
];
const said = (evaluation: Partial<Evaluation>) => {
  const report = lossReport([{ name: 'm', loss: loss(edges, steady), context: 256, ...evaluation }]);
  return report.slice(report.indexOf('###'));
};

describe('report', () => {
  it('has a table of losses, one of facts, and says what they show', () => {
    const report = lossReport([
      { name: 'conformal', loss: loss(edges, steady, { bitsPerByte: 3.7 }), context: 256 },
      { name: 'soft|max', loss: loss(edges, breaking, { stateBytes: 0 }), context: 256 },
    ]);
    expect(`\n${report}\n`).toMatchInlineSnapshot(`
      "
      # Loss by position

      Nats per token: mean ± standard error over documents, or over streams where all come from one document.

      | Position | conformal | soft\\|max |
      | --- | ---: | ---: |
      | 0–63 | 3.100 ± 0.058 | 3.100 ± 0.058 |
      | 64–255 | 2.500 ± 0.058 | 2.500 ± 0.058 |
      | 256–1,023 (beyond) | 2.403 ± 0.046 | 3.500 ± 0.058 |
      | 1,024–4,095 (beyond) | 2.400 ± 0.064 | 6.100 ± 0.058 |
      | **all** | 2.416 ± 0.060 | 5.397 ± 0.040 |

      |  | conformal | soft\\|max |
      | --- | ---: | ---: |
      | Best bin | 2.400 at 1,024–4,095 | 2.500 at 64–255 |
      | Bits per byte | 3.700 |  |
      | Trained to | 256 | 256 |
      | Streams × tokens | 3 × 4,096 | 3 × 4,096 |
      | Documents | 3 | 3 |
      | State of one stream | 528 KiB | grows |
      | Key/value cache of one | would be 3 MiB | 3 MiB |
      | Tokens per second | 6,144 | 6,144 |

      ## What the curves show

      ### conformal: trained to 256 tokens, read 3 streams of 4,096

      - Inside the training context the loss goes from 3.100 ± 0.058 at 0–63 to 2.500 ± 0.058 at 64–255: −0.600 ± 0.000 (95 %, paired by stream), more context helps.
      - Beyond the training context the loss is 2.401 ± 0.060, against 2.500 ± 0.058 at 64–255, the last bin inside: −0.099 ± 0.010 (95 %, paired by stream), it goes on improving.
      - At the far end, 1,024–4,095, which is 16 times the training context, it is 2.400 ± 0.064: −0.100 ± 0.025 (95 %, paired by stream), it goes on improving.

      ### soft\\|max: trained to 256 tokens, read 3 streams of 4,096

      - Inside the training context the loss goes from 3.100 ± 0.058 at 0–63 to 2.500 ± 0.058 at 64–255: −0.600 ± 0.000 (95 %, paired by stream), more context helps.
      - Beyond the training context the loss is 5.580 ± 0.042, against 2.500 ± 0.058 at 64–255, the last bin inside: +3.080 ± 0.263 (95 %, paired by stream), it is worse there.
      - At the far end, 1,024–4,095, which is 16 times the training context, it is 6.100 ± 0.058: +3.600 ± 0.248 (95 %, paired by stream), it is worse there.
      "
    `);
  });

  it('does not call a difference what is none', () => {
    const same = steady.map(([a, b], i) => [a!, b!, b! + [0.05, -0.06, 0.02][i]!, b! + [-0.01, 0.04, -0.02][i]!]);
    const text = said({ loss: loss(edges, same) });
    expect(text.match(/no difference that these streams can show/g)).toHaveLength(2);
    expect(text).not.toMatch(/improving|worse/);
  });

  it('says so where one stream cannot tell', () => {
    const text = said({ loss: loss(edges, breaking.slice(1, 2)) });
    expect(text).toContain('+3.200, but one stream says nothing about how sure that is.');
    expect(text).not.toContain('±');
    expect(text).toContain('read 1 stream of 4,096');
  });

  it('says what is missing', () => {
    expect(said({ context: 4096 })).toContain('Nothing was read beyond the training context.');
    expect(said({ context: 100 })).toContain('Positions 64–255 lie on both sides of the training context');
    expect(said({ context: 10 })).toContain('There is no bin inside the training context to compare with.');
    expect(said({ context: undefined })).toMatch(/^- Over its length the loss goes from 3\.100 .* to 2\.400 /m);
    expect(said({ loss: loss([0, 64], [[3], [2]]), context: undefined })).toContain('one bin only');
    expect(lossReport([])).toContain('What the curves show');
  });

  it('says where numbers are not finite, from JSON too', () => {
    const broken = loss(edges, [
      [3, 2, NaN, NaN],
      [3, 2, 5, NaN],
    ]);
    const text = 'The loss is not a finite number from positions 256–1,023 on.';
    expect(said({ loss: broken })).toContain(text);
    expect(said({ loss: JSON.parse(JSON.stringify(broken)) as LossByPosition })).toContain(text);
    expect(lossReport([{ name: 'm', loss: broken }])).toContain('| 256–1,023 | not finite |');
  });

  it('puts models with other bins side by side', () => {
    const rows = lossReport([
      { name: 'a', loss: loss([0, 64, 128], [[3, 2]]), context: 64 },
      { name: 'b', loss: loss([0, 100, 128], [[3, 2]]), context: 100 },
    ]);
    expect(rows).toContain('| 0–63 | 3.000 |  |\n| 0–99 |  | 3.000 |\n| 64–127 | 2.000 |  |\n| 100–127 |  | 2.000 |');
  });

  it('keeps names in their cells, and refuses a context that is none', () => {
    expect(lossReport([{ name: 'a|b\n# c', loss: loss(edges, steady) }])).toContain('| Position | a\\|b # c |');
    expect(() => said({ context: 0 })).toThrow(ConfigError);
  });
});
