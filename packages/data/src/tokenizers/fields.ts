// The fields of an object of JSON, each of the type that it has to be.
import { DataError } from '../errors';

/** Steps within steps, and steps in all, of one part of a tokenizer. */
const DEEPEST = 16;
const MOST_STEPS = 128;

/** Characters of a text in a field. */
const LONGEST_TEXT = 2 ** 16;

/** An object of JSON and its name. Every method throws a DataError if a field is not what it should be. */
export class Fields {
  private readonly of: Readonly<Record<string, unknown>>;

  constructor(
    readonly where: string,
    object: unknown,
    private readonly depth = 0,
  ) {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      throw new DataError({ what: where, value: object, expected: 'an object' });
    }
    this.of = object as Readonly<Record<string, unknown>>;
    if (depth > DEEPEST) throw new DataError({ what: where, value: depth, expected: `at most ${DEEPEST} levels deep` });
  }

  get type(): string {
    return this.text('type');
  }

  /** A field as it is; undefined where it is missing or null. */
  value(key: string): unknown {
    return Object.hasOwn(this.of, key) ? (this.of[key] ?? undefined) : undefined;
  }

  text(key: string, fallback?: string): string {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'string') this.wrong(key, 'a text');
    return value.length <= LONGEST_TEXT ? value : this.wrong(key, `at most ${LONGEST_TEXT} characters`, value.length);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    return typeof value === 'boolean' ? value : this.wrong(key, 'true or false');
  }

  count(key: string, fallback: number, most = 2 ** 31): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
    return this.wrong(key, `a whole number from 0 to ${most}`);
  }

  fields(key: string): Fields {
    return new Fields(`${key} of ${this.where}`, this.value(key), this.depth + 1);
  }

  /** A list of objects; empty where it is missing. */
  list(key: string, most = MOST_STEPS): Fields[] {
    const value = this.value(key) ?? [];
    if (!Array.isArray(value) || value.length > most) this.wrong(key, `a list of at most ${most}`);
    return Array.from(value as unknown[], (of, i) => new Fields(`${key}[${i}] of ${this.where}`, of, this.depth + 1));
  }

  wrong(key: string, expected: string, value = this.value(key)): never {
    throw new DataError({ what: `${key} of ${this.where}`, value, expected });
  }
}

/**
 * The steps of a part, those of a `Sequence` one after another.
 *
 * @param key - where a Sequence keeps its steps
 */
export function stepsOf(json: unknown, where: string, key: string): Fields[] {
  const steps: Fields[] = [];
  const collect = (step: Fields) => {
    if (step.type !== 'Sequence') steps.push(step);
    else for (const inner of step.list(key)) collect(inner);
    if (steps.length > MOST_STEPS) {
      throw new DataError({ what: `steps of ${where}`, value: steps.length, expected: `at most ${MOST_STEPS}` });
    }
  };
  if (json !== undefined && json !== null) collect(new Fields(where, json));
  return steps;
}
