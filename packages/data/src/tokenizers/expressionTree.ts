// The structure of a regular expression as JavaScript writes it with the flag u: enough to count what it may try.

/** A part of an expression. What a character may be does not matter here. */
export type Part =
  | { readonly kind: 'character' }
  /** `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`, `^`, `$`, `\b`: takes nothing, and once it holds, is not tried anew. */
  | { readonly kind: 'look'; readonly alternatives: readonly Part[][] }
  | { readonly kind: 'group'; readonly alternatives: readonly Part[][] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly least: number; readonly most: number };

/** Groups within groups. */
const DEEPEST = 64;

/** What a back reference, or anything else that is not known here, is called. */
export class UnknownSyntax extends Error {}

const CLASS = /\[(?:\\[^]|[^\]\\])*\]/uy;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[^0-9k]|0)/uy;
const LOOK = /\(\?<?[=!]/uy;
const GROUP = /\((?:\?:|\?<[A-Za-z_][A-Za-z0-9_]*>|(?!\?))/uy;
const REPEAT = /(?:[*+?]|\{(\d+)(,(\d*))?\})\??/uy;
const OTHER = /[^()[\]{}|*+?\\]/uy;

/**
 * The alternatives of an expression.
 *
 * @throws UnknownSyntax
 */
export function parseExpression(source: string): Part[][] {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) at = pattern.lastIndex;
    return match;
  };

  function alternatives(depth: number): Part[][] {
    if (depth > DEEPEST) throw new UnknownSyntax(`more than ${DEEPEST} groups within each other`);
    const all: Part[][] = [[]];
    while (at < source.length && source[at] !== ')') {
      if (source[at] === '|') {
        at++;
        all.push([]);
      } else all.at(-1).push(repeated(part(depth)));
    }
    return all;
  }

  function part(depth: number): Part {
    if (take(LOOK)) return closed({ kind: 'look', alternatives: alternatives(depth + 1) });
    if (take(GROUP)) return closed({ kind: 'group', alternatives: alternatives(depth + 1) });
    const boundary = source[at] === '^' || source[at] === '$' || /^\\[bB]/.test(source.slice(at, at + 2));
    if (take(CLASS) ?? take(ESCAPE) ?? take(OTHER)) {
      return boundary ? { kind: 'look', alternatives: [] } : { kind: 'character' };
    }
    throw new UnknownSyntax(`"${source.slice(at, at + 8)}"`);
  }

  function closed(of: Part): Part {
    if (source[at++] !== ')') throw new UnknownSyntax('a group without an end');
    return of;
  }

  function repeated(of: Part): Part {
    const match = take(REPEAT);
    if (!match) return of;
    const [sign, least, range, most] = match;
    if (sign.startsWith('*')) return { kind: 'repeat', part: of, least: 0, most: Infinity };
    if (sign.startsWith('+')) return { kind: 'repeat', part: of, least: 1, most: Infinity };
    if (sign.startsWith('?')) return { kind: 'repeat', part: of, least: 0, most: 1 };
    const from = Number(least);
    return { kind: 'repeat', part: of, least: from, most: range === undefined ? from : most ? Number(most) : Infinity };
  }

  const all = alternatives(0);
  if (at < source.length) throw new UnknownSyntax(`"${source.slice(at, at + 8)}"`);
  return all;
}
