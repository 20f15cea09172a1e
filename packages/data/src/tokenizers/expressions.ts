// Where the expressions of a tokenizer.json match in a text. Those of Hugging Face are Oniguruma's, which @huggingface/tokenizers
// rewrites for JavaScript; what could take for ever is refused when the tokenizer is opened, or stopped while it runs.
import { DataError } from '../errors';
import { expressionCost } from './expressionCost';
import type { Fields } from './fields';

/** The matches in a text, in order, without those that overlap. An empty one stands between characters. */
export type Matches = (text: string) => Iterable<readonly [from: number, to: number]>;

/** An expression of Oniguruma as JavaScript has it. */
export type Translate = (expression: string) => RegExp;

/** Characters of an expression. Those of well-known tokenizers have some hundred, one that lists all letters 1,500. */
const LONGEST = 2 ** 13;

/** Time that the places of one stretch may take together: over seventy microseconds for each. */
const STRETCH = 2 ** 16;
const PATIENCE = 5000;

/** What `pattern` of a step means: `{ "String": … }` or `{ "Regex": … }`. */
export function matchesOf(step: Fields, translate: Translate): Matches {
  const pattern = step.fields('pattern');
  if (pattern.value('Regex') === undefined) return matchesOfText(pattern.text('String'));
  const source = pattern.text('Regex');
  const where = `expression of ${step.where}`;
  const refuse = (expected: string, cause?: unknown): never => {
    throw new DataError({ what: where, value: source, expected, cause });
  };
  if (source.length > LONGEST) refuse(`at most ${LONGEST} characters`);
  let expression: RegExp;
  try {
    expression = translate(source);
  } catch (error) {
    return refuse(`one that JavaScript knows (${error instanceof Error ? error.message : String(error)})`, error);
  }
  const cost = expressionCost(expression.source);
  if ('refused' in cost) return refuse(`one that cannot take for ever (${cost.refused})`);
  return matchesOfExpression(expression, cost.slow ? where : undefined);
}

/** Where a text stands in a text. */
export function matchesOfText(part: string): Matches {
  return function* (text) {
    if (part === '') return;
    for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) yield [at, at + part.length];
  };
}

/**
 * The matches of an expression.
 *
 * @param slow - what it is called, if it must be watched
 */
export function matchesOfExpression(expression: RegExp, slow?: string): Matches {
  return slow === undefined ? searched(new RegExp(expression, 'gu')) : watched(new RegExp(expression, 'uy'), slow);
}

/** A text may become this many times as long by what replaces its parts, and some more: NFKC makes 18 characters of one. */
export const GROWTH = 32;
const SOME = 2 ** 16;

/** How long a text of some characters may become. */
export function grownFrom(length: number): number {
  return GROWTH * length + SOME;
}

/** @throws DataError if a text has grown beyond a limit */
export function requireGrowth(what: string, length: number, limit: number): void {
  if (length <= limit) return;
  throw new DataError({
    what,
    value: length,
    message: `${what} makes over ${limit} characters of a text`,
    expected: `at most ${GROWTH} times as many as the text has, and ${SOME}`,
  });
}

/** Parts of a text that are put together at a time: an array of all would be larger than the text. */
const TOGETHER = 2 ** 14;

/** A text with some content in place of every match. */
export function replaceAll(text: string, matches: Matches, content: string, limit: number, what: string): string {
  let replaced = '';
  let parts: string[] = [];
  let length = text.length;
  let at = 0;
  for (const [from, to] of matches(text)) {
    length += content.length - (to - from);
    requireGrowth(what, length - text.length, limit);
    if (parts.push(text.slice(at, from), content) >= TOGETHER) {
      replaced += parts.join('');
      parts = [];
    }
    at = to;
  }
  return replaced + parts.join('') + text.slice(at);
}

function searched(expression: RegExp): Matches {
  return function* (text) {
    for (let at = 0; at <= text.length;) {
      expression.lastIndex = at;
      const match = execute(expression, text);
      if (!match) return;
      const to = match.index + match[0].length;
      yield [match.index, to];
      at = to > match.index ? to : next(text, to);
    }
  };
}

/** Tries one place after the other, so that it can stop between two of them. */
function watched(expression: RegExp, what: string): Matches {
  return function* (text) {
    let spent = 0;
    let stretch = STRETCH;
    for (let at = 0; at <= text.length;) {
      const begin = performance.now();
      expression.lastIndex = at;
      const match = execute(expression, text);
      spent += performance.now() - begin;
      if (spent > PATIENCE) {
        throw new DataError({
          what,
          value: expression.source,
          message: `${what} takes too long at character ${at} of a text`,
          expected: `at most ${PATIENCE / 1000} s for ${STRETCH} characters`,
          remedy: 'Cut long runs of one kind of character out of the text, or take another tokenizer.',
        });
      }
      const to = match ? at + match[0].length : at;
      if (match) yield [at, to];
      at = to > at ? to : next(text, at);
      if (at >= stretch) [spent, stretch] = [0, at + STRETCH];
    }
  };
}

/** The engine gives up on runs of millions of characters, which it calls a stack overflow. */
function execute(expression: RegExp, text: string): RegExpExecArray | null {
  try {
    return expression.exec(text);
  } catch (cause) {
    throw new DataError({
      what: 'text',
      value: text.length,
      message: `the text has a run of one kind of characters from ${expression.lastIndex} on that is too long for the expressions of its tokenizer`,
      expected: 'runs of less than a million characters',
      cause,
    });
  }
}

function next(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}
