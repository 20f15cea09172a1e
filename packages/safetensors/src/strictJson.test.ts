import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseStrictJson } from './strictJson';
import type { StrictJson } from './strictJson';

const limits = { depth: 16, values: 10_000 };

/** Maps as objects again, to compare with JSON.parse. */
function plain(value: StrictJson): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, member]) => [key, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

it('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), fc.constantFrom(undefined, 2, '\t'), (text, space) => {
      const spaced = JSON.stringify(JSON.parse(text), undefined, space);
      expect(plain(parseStrictJson(spaced, limits))).toEqual(JSON.parse(text));
    }),
  );
  expect(parseStrictJson(' [1e3, -0.5, "\\u00e9\\n\\"\\\\", true, false, null, {}, []] ', limits)).toEqual([
    1000,
    -0.5,
    'é\n"\\',
    true,
    false,
    null,
    new Map(),
    [],
  ]);
});

it('refuses what JSON.parse refuses, with a SyntaxError', () => {
  const alphabet = fc.constantFrom(...'{}[]:,"\\ 01-+.eEtruefalsn\u0007a'.split(''));
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 12 }), (characters) => {
      const text = characters.join('');
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      fc.pre(!valid);
      expect(() => parseStrictJson(text, limits)).toThrow(SyntaxError);
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ['', 'the text ends at position 0'],
  ['{"a": 1, "a": 2}', 'the key "a" comes twice at position 9'],
  ['{"a": 1, "\\u0061": 2}', 'the key "a" comes twice'],
  ['["\\ud800"]', 'half a surrogate pair at position 1'],
  ['[[[[1]]]]', 'more than 3 levels at position 3'],
  ['[1, 2, 3, 4, 5]', 'more than 5 values'],
  ['{} {}', 'more text after the end'],
  ['["abc', 'no " where one should be'],
  ['[1 2]', 'no ] where one should be'],
])('refuses %j: %s', (text, problem) => {
  expect(() => parseStrictJson(text, { depth: 3, values: 5 })).toThrow(problem);
});

it('gives __proto__ no meaning', () => {
  const parsed = parseStrictJson('{"__proto__": {"polluted": 1}}', limits) as Map<string, StrictJson>;
  expect([...parsed.keys()]).toEqual(['__proto__']);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

it('takes a number of a million digits for what it is', () => {
  expect(parseStrictJson('9'.repeat(1e6), limits)).toBe(Infinity);
});
