// What Hugging Face's own library encodes and decodes is what is encoded and decoded here.
import { describe, expect, it } from 'vitest';
import { tokenizerFromJSON } from '.';
import { folders, rowsOf, tokenizerJSON, tokenizersIn } from './fixtures.cases';

const cases = folders.flatMap((folder) => tokenizersIn(folder).map((name) => [name, folder] as const));

describe.each(cases)('the tokenizer %s that Hugging Face wrote (%s)', (name, folder) => {
  const json = tokenizerJSON(name, folder);
  const special = (json['added_tokens'] as { id: number; content: string; special: boolean }[]).filter(
    (token) => token.special,
  );
  const rows = rowsOf(name, folder);
  const holdsSpecial = ({ text }: { text: string }) => special.some(({ content }) => text.includes(content));

  it('has texts to compare', () => {
    expect(rows.filter((row) => !holdsSpecial(row)).length).toBeGreaterThan(20);
  });

  it('encodes as that does, but never to a special token', async () => {
    const { encode, encodeBytes } = await tokenizerFromJSON(json);
    for (const row of rows) {
      const ids = [...encode(row.text)];
      expect([...encodeBytes(new TextEncoder().encode(row.text))], row.text).toEqual(ids);
      if (!holdsSpecial(row)) expect(ids, row.text).toEqual(row.plain);
      else
        for (const { id, content } of special) if (row.text.includes(content)) expect(ids, row.text).not.toContain(id);
    }
  });

  it('decodes as that does, at once and token by token', async () => {
    const { decode, decoder } = await tokenizerFromJSON(json);
    const isSpecial = new Set(special.map(({ id }) => id));
    const oneByOne = (ids: readonly number[]) => {
      const stream = decoder();
      return ids.map((id) => stream.push(id)).join('') + stream.end();
    };
    for (const { ids, decoded, decodedAll } of rows) {
      const plain = ids.filter((id) => !isSpecial.has(id));
      expect([decode(ids), decode(plain)]).toEqual([decodedAll, decoded]);
      expect([oneByOne(ids), oneByOne(plain)]).toEqual([decodedAll, decoded]);
    }
  });
});
