// What a regular expression may cost, before it meets any text. JavaScript tries one way after another, and cannot be
// stopped: an expression is taken only if the ways to match at one place are few, whatever the text, or as many as the text
// is long. Those of all well-known tokenizers are.
import { parseExpression, UnknownSyntax, type Part } from './expressionTree';

/** Ways to match beside those that a repetition without an end has. */
const MOST_WAYS = 4096;

/** The same for what is looked at from one place, and for an expression that need not be watched. */
const FEW_WAYS = 64;

/** Characters that a repetition with an end may take. */
const LONGEST = 1024;

export interface ExpressionCost {
  /**
   * Whether to find out that there is no match at a place may take as long as the text is, or many tries. To look for one
   * place by place then takes the square of that.
   */
  readonly slow: boolean;
}

/** Ways of a part or a sequence of parts, not counting where repetitions without an end stop. */
interface Measure {
  ways: number;
  /** Repetitions without an end. */
  loops: number;
  /** Those that something follows which may fail, so that they are tried at every length. */
  tried: number;
  mayFail: boolean;
}

class TooCostly extends Error {}

/**
 * What an expression costs, or why it is refused. Sound, but not complete: `(a+)+` and `(a|a)*` are refused, and so are some
 * that cost little.
 *
 * @param source - with the syntax of JavaScript and the flag u
 */
export function expressionCost(source: string): ExpressionCost | { readonly refused: string } {
  try {
    const { tried, ways } = either(parseExpression(source));
    return { slow: tried > 0 || ways > FEW_WAYS };
  } catch (error) {
    if (error instanceof TooCostly) return { refused: error.message };
    if (error instanceof UnknownSyntax) return { refused: `it has ${error.message}` };
    throw error;
  }
}

function either(alternatives: readonly (readonly Part[])[]): Measure {
  const all = alternatives.map(sequence);
  const sum = all.reduce((ways, measure) => ways + measure.ways, 0);
  return limited({
    ways: Math.max(1, sum),
    loops: Math.max(0, ...all.map(({ loops }) => loops)),
    tried: Math.max(0, ...all.map(({ tried }) => tried)),
    mayFail: all.length === 0 || all.every(({ mayFail }) => mayFail),
  });
}

function sequence(parts: readonly Part[]): Measure {
  let all: Measure = { ways: 1, loops: 0, tried: 0, mayFail: false };
  for (const part of parts) {
    const next = measured(part);
    all = limited({
      ways: all.ways * next.ways,
      loops: all.loops + next.loops,
      tried: (next.mayFail ? all.loops : all.tried) + next.tried,
      mayFail: all.mayFail || next.mayFail,
    });
  }
  return all;
}

function measured(part: Part): Measure {
  switch (part.kind) {
    case 'character':
      return { ways: 1, loops: 0, tried: 0, mayFail: true };
    case 'group':
      return either(part.alternatives);
    case 'look': {
      // Once it holds, no other way is tried.
      const { ways, loops } = either(part.alternatives);
      if (ways > FEW_WAYS) throw new TooCostly(`it looks around in over ${FEW_WAYS} ways`);
      return { ways: 1, loops, tried: loops, mayFail: true };
    }
    case 'repeat':
      return repeat(part.part, part.least, part.most);
  }
}

function repeat(part: Part, least: number, most: number): Measure {
  if (most <= 1) {
    const once = measured(part);
    return limited({ ...once, ways: once.ways + 1 - least, mayFail: least > 0 && once.mayFail });
  }
  const length = lengthOf(part);
  if (length === undefined || length === 0) {
    throw new TooCostly('it repeats what matches one text in several ways, or nothing');
  }
  const { ways, loops } = measured(part);
  if (ways > 1 || loops > 0) throw new TooCostly('it repeats what looks ahead in several ways');
  if (most === Infinity) {
    if (least * length > LONGEST) throw new TooCostly(`it repeats more than ${LONGEST} characters`);
    return { ways: 1, loops: 1, tried: 0, mayFail: least > 0 };
  }
  if (most * length > LONGEST) throw new TooCostly(`it repeats more than ${LONGEST} characters`);
  return limited({ ways: most - least + 1, loops: 0, tried: 0, mayFail: least > 0 });
}

/** Characters of a part that takes always as many, in one way; undefined for any other. */
function lengthOf(part: Part): number | undefined {
  switch (part.kind) {
    case 'character':
      return 1;
    case 'look':
      return 0;
    case 'group': {
      if (part.alternatives.length !== 1) return undefined;
      const lengths = part.alternatives[0]!.map(lengthOf);
      return lengths.every((length) => length !== undefined)
        ? lengths.reduce((sum, length) => sum + length, 0)
        : undefined;
    }
    case 'repeat': {
      const length = lengthOf(part.part);
      return length !== undefined && part.least === part.most ? length * part.least : undefined;
    }
  }
}

function limited(measure: Measure): Measure {
  if (measure.ways > MOST_WAYS) throw new TooCostly(`there are over ${MOST_WAYS} ways to match a text`);
  if (measure.tried > 1) throw new TooCostly('repetitions without an end follow each other, and the last may fail');
  return measure;
}
