// JSON from strangers. Unlike JSON.parse it refuses a key that comes twice, lone surrogates, and more depth or more values
// than the caller is ready for; objects become Maps, so that no key has a meaning of its own.

/** What {@link parseStrictJson} returns. */
export type StrictJson = string | number | boolean | null | StrictJson[] | Map<string, StrictJson>;

/** How much of it there may be. */
export interface StrictJsonLimits {
  /** How deep arrays and objects may be nested. */
  depth: number;
  /** How many values there may be in all, containers included. */
  values: number;
}

/**
 * Parses JSON text strictly.
 *
 * @throws SyntaxError that names the position
 *
 * @example
 * ```ts
 * parseStrictJson('{"a": [1, 2]}', { depth: 4, values: 100 }); // Map { 'a' => [1, 2] }
 * parseStrictJson('{"a": 1, "a": 2}', { depth: 4, values: 100 }); // SyntaxError: the key "a" comes twice at position 9
 * ```
 */
export function parseStrictJson(text: string, limits: StrictJsonLimits): StrictJson {
  let at = 0;
  let values = 0;

  const fail = (problem: string, position = at): never => {
    throw new SyntaxError(`${problem} at position ${position}`);
  };
  const peek = (): string => {
    while (' \n\r\t'.includes(text.charAt(at)) && at < text.length) at++;
    return text.charAt(at);
  };
  const expect = (char: string): void => {
    if (peek() !== char) fail(`no ${char} where one should be`);
    at++;
  };

  function value(depth: number): StrictJson {
    if (++values > limits.values) fail(`more than ${limits.values} values`);
    const char = peek();
    if (char === '"') return string();
    if (char === '{' || char === '[') {
      if (depth === limits.depth) fail(`more than ${limits.depth} levels`);
      return char === '{' ? object(depth + 1) : array(depth + 1);
    }
    for (const [word, meaning] of LITERALS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    return number();
  }

  function object(depth: number): Map<string, StrictJson> {
    const members = new Map<string, StrictJson>();
    list('{', '}', () => {
      peek();
      const begin = at;
      const key = string();
      if (members.has(key)) fail(`the key ${JSON.stringify(key)} comes twice`, begin);
      expect(':');
      members.set(key, value(depth));
    });
    return members;
  }

  function array(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    list('[', ']', () => items.push(value(depth)));
    return items;
  }

  function list(open: string, close: string, item: () => void): void {
    expect(open);
    if (peek() !== close) {
      item();
      while (peek() === ',') {
        at++;
        item();
      }
    }
    expect(close);
  }

  function string(): string {
    const begin = at;
    expect('"');
    while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
    expect('"');
    const parsed = token(begin) as string;
    if (/\p{Surrogate}/u.test(parsed)) fail('half a surrogate pair', begin);
    return parsed;
  }

  function number(): number {
    const begin = at;
    while (at < text.length && '+-.0123456789eE'.includes(text.charAt(at))) at++;
    if (at === begin) fail(at === text.length ? 'the text ends' : 'no value');
    return token(begin) as number;
  }

  /** From `begin` to here is one string or number, if it is anything: the engine's own parser knows escapes and digits. */
  function token(begin: number): unknown {
    try {
      return JSON.parse(text.slice(begin, at));
    } catch {
      return fail('a malformed value', begin);
    }
  }

  const parsed = value(0);
  if (peek() !== '') fail('more text after the end');
  return parsed;
}

const LITERALS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;
