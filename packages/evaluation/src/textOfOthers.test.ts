// Text of tokenizers whose tokens hang on those before them, left anywhere and gone on with.

import { tokenizerFromJSON, type Tokenizer } from '@sympow/data';
import { TextStream } from '@sympow/inference';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../data/src/tokenizers/fixtures/.cases', import.meta.url);
const parsed = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

/** What a stream shows that is left after `cut` tokens. */
function shown(tokenizer: Tokenizer, tokens: readonly number[], cut: number): string {
  const before = new TextStream(tokenizer.decoder(), []);
  const text = tokens.slice(0, cut).map((token) => before.push(token));
  const after = new TextStream(tokenizer.decoder(), [], before.open());
  return [...text, ...tokens.slice(cut).map((token) => after.push(token)), after.end()].join('');
}

describe.each(['llama2', 't5', 'bert', 'qwen', 'gpt2'])('text of %s', (name) => {
  it('is the same wherever it is left and gone on with', async () => {
    const tokenizer = await tokenizerFromJSON(parsed(`${name}.json`));
    const { rows } = parsed(`${name}.expected.json`) as { rows: { plain: number[] }[] };
    let cuts = 0;
    for (const { plain } of rows) {
      const tokens = plain.slice(0, 60);
      const whole = tokenizer.decode(tokens);
      for (let cut = 0; cut <= tokens.length; cut++, cuts++) {
        expect(shown(tokenizer, tokens, cut), `${JSON.stringify(whole)} at ${cut}`).toBe(whole);
      }
    }
    expect(cuts).toBeGreaterThan(100);
  });

  it('made of any tokens, too', async () => {
    const tokenizer = await tokenizerFromJSON(parsed(`${name}.json`));
    const { rows } = parsed(`${name}.expected.json`) as { rows: { plain: number[] }[] };
    const all = rows.flatMap(({ plain }) => plain);
    // Tokens that never stood side by side, so that characters break off.
    for (let from = 0; from < 20; from++) {
      const tokens = Array.from({ length: 24 }, (_, i) => all[(from * 7919 + i * 104_729) % all.length]!);
      const whole = tokenizer.decode(tokens);
      for (let cut = 0; cut <= tokens.length; cut++) {
        expect(shown(tokenizer, tokens, cut), `${JSON.stringify(whole)} at ${cut}`).toBe(whole);
      }
    }
  });
});
