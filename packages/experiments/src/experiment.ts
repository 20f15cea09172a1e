// An experiment in JSON: what it may hold, and errors that name the place in it.

import { ConfigError, contentHash } from '@sympow/kernels';
import { variants as modelVariants } from '@sympow/model';
import * as v from 'valibot';
import { fileSettings, schedule, type Schedule, type TrainingFields } from './schedule';

const text = v.pipe(v.string('a text'), v.nonEmpty('a text that is not empty'));
const names = v.array(text, 'a list of texts');
const plain = 'a text in one line, without control characters';
const line = v.pipe(
  text,
  v.check((value) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(value), plain),
);
const whole = (least: number) => {
  const expected = `a whole number of at least ${least}`;
  return v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(least, expected));
};
const between = (low: number, high: number, expected: string) =>
  v.pipe(
    v.number(expected),
    v.check((value) => value > low && value < high, expected),
  );
const share = between(0, 1, 'a number above 0 and below 1');
const list = <S extends v.GenericSchema>(item: S, expected: string) =>
  v.pipe(v.array(item, expected), v.nonEmpty(expected));
const numbers = (least: number, what: string) =>
  v.pipe(
    list(whole(least), `a list of at least one ${what}`),
    v.check((all) => new Set(all).size === all.length, `a list in which no ${what} stands twice`),
  );
const settings = (expected: string) => v.record(v.string(), v.any(), expected);
const object = <E extends v.ObjectEntries>(entries: E, expected = 'an object') =>
  v.strictObject(entries, (issue) =>
    issue.expected === 'never' ? `one of ${Object.keys(entries).join(', ')}` : expected,
  );

type Fields = {
  [K in keyof TrainingFields]-?: v.OptionalSchema<v.CustomSchema<NonNullable<TrainingFields[K]>, string>, undefined>;
};
/** What a file may say about training: what the trainer takes, and a batch by its tokens. */
const training = Object.fromEntries(
  Object.entries({ ...fileSettings, tokensPerStep: fileSettings.batch }).map(([key, { check }]) => [
    key,
    v.optional(v.custom<unknown>((value) => check.holds(value), check.expected)),
  ]),
) as unknown as Fields;

const textData = object({
  paths: v.optional(names),
  tokenizer: v.optional(text),
  encoding: v.optional(text),
  heldOut: v.optional(share, 0.1),
  split: v.optional(v.picklist(['tail', 'documents'], 'tail or documents'), 'tail'),
});

const taskData = object({
  task: text,
  options: v.optional(settings('an object'), {}),
  targets: v.optional(v.picklist(['answers', 'all'], 'answers or all'), 'answers'),
});

const variantName = v.picklist(
  Object.keys(modelVariants) as (keyof typeof modelVariants)[],
  `one of ${Object.keys(modelVariants).join(', ')}, or an object with one of them as its variant`,
);

const variant = object(
  {
    name: v.optional(line),
    variant: variantName,
    model: v.optional(settings('an object of model settings'), {}),
    training: v.optional(object(training), {}),
    contexts: v.optional(numbers(1, 'context')),
    seeds: v.optional(numbers(0, 'seed')),
  },
  'a name, or an object',
);

const recallTest = object({
  name: v.optional(line),
  task: text,
  options: v.optional(settings('an object'), {}),
  length: whole(1),
  count: v.optional(whole(1), 128),
  batch: v.optional(whole(1), 16),
  seed: v.optional(whole(0), 0),
});

const schema = object({
  title: v.optional(line, 'Comparison'),
  description: v.optional(text),
  data: v.optional(
    v.lazy((input) => (typeof input === 'object' && input !== null && 'task' in input ? taskData : textData)),
    {},
  ),
  model: v.optional(settings('an object of model settings'), {}),
  training: object({ ...training, checkpointEvery: v.optional(whole(1), 100) }),
  variants: list(
    v.lazy((input) =>
      typeof input === 'string'
        ? v.pipe(
            variantName,
            v.transform((name) => v.parse(variant, { variant: name })),
          )
        : variant,
    ),
    'a list of at least one variant',
  ),
  contexts: numbers(1, 'context'),
  seeds: v.optional(numbers(0, 'seed'), [0]),
  evaluation: v.optional(
    object({
      length: whole(1),
      streams: v.optional(whole(1), 64),
      batch: v.optional(whole(1), 8),
      piece: v.optional(whole(1)),
    }),
  ),
  recall: v.optional(v.array(recallTest, 'a list of tests'), []),
  baseline: v.optional(text),
});

type Parsed = v.InferOutput<typeof schema>;
/** `data` of an experiment on text. */
export type TextData = v.InferOutput<typeof textData>;
/** `data` of an experiment on a synthetic task. */
export type TaskData = v.InferOutput<typeof taskData>;
/** A task that finished models are asked to do, with its name in reports and in paths. */
export type RecallTest = v.InferOutput<typeof recallTest> & { readonly name: string; readonly id: string };
/** `evaluation` of an experiment: what finished models read, and how far. */
export type EvaluationSettings = NonNullable<Parsed['evaluation']>;

/** One of the models that are compared. */
export interface VariantSettings extends Omit<v.InferOutput<typeof variant>, 'name' | 'contexts' | 'seeds'> {
  readonly name: string;
  /** Its name as part of a path. */
  readonly id: string;
  readonly contexts: readonly number[];
  readonly seeds: readonly number[];
  /** How it is trained, by context. */
  readonly schedules: readonly Schedule[];
}

/** An experiment, checked and with its defaults. */
export interface Experiment extends Omit<Parsed, 'data' | 'variants' | 'recall'> {
  readonly path: string;
  readonly data: TextData | TaskData;
  readonly variants: readonly VariantSettings[];
  readonly recall: readonly RecallTest[];
  readonly baseline: string;
}

/** Whether an experiment is on a task, and not on text. */
export function isTaskData(data: TextData | TaskData): data is TaskData {
  return 'task' in data;
}

/**
 * An experiment from its text.
 *
 * @param path - where the text stands, for messages
 * @throws ConfigError that names the file, the place in it, what stands there and what was expected
 */
export function parseExperiment(text: string, path = 'the experiment'): Experiment {
  const parsed = v.safeParse(schema, objectIn(text, path));
  if (!parsed.success) throw mistakes(path, parsed.issues);
  const file = parsed.output;
  const variantNames = file.variants.map(({ name, variant }) => name ?? variant);
  const ids = slugs(variantNames, `variants in ${path}`);
  const variants = file.variants.map((each, i): VariantSettings => {
    const contexts = each.contexts ?? file.contexts;
    const settings = { ...file.training, ...each.training };
    // What a variant says of the batch stands for both ways of saying it.
    if (each.training.batch !== undefined) delete settings.tokensPerStep;
    if (each.training.tokensPerStep !== undefined) delete settings.batch;
    const place = `variants[${i}] in ${path}`;
    return {
      ...each,
      name: variantNames[i]!,
      id: ids[i]!,
      contexts,
      seeds: each.seeds ?? file.seeds,
      schedules: contexts.map((context) => schedule(settings, context, place)),
    };
  });
  const testNames = file.recall.map(({ name, task }) => name ?? task);
  const testIds = slugs(testNames, `recall in ${path}`);
  const recall = file.recall.map((test, i) => ({ ...test, name: testNames[i]!, id: testIds[i]! }));
  const baseline = file.baseline ?? variants[0]!.name;
  if (!variants.some(({ name }) => name === baseline)) {
    const expected = `the name of a variant: ${variants.map(({ name }) => name).join(', ')}`;
    throw new ConfigError({ what: `baseline in ${path}`, value: baseline, expected });
  }
  return { ...file, path, variants, recall, baseline };
}

function objectIn(text: string, path: string): unknown {
  try {
    // Some editors put a mark in front of a file.
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (Array.isArray(value)) throw new SyntaxError('it holds a list');
    return value;
  } catch (cause) {
    const message = `${path} is not JSON (${(cause as Error).message})`;
    throw new ConfigError({ what: path, value: undefined, message, expected: 'one object in JSON', cause });
  }
}

function isUnknownKey({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never';
}

function isMissing({ type, received }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && received === 'undefined';
}

/** The worst of all issues; of settings that are missing, all in one. */
function mistakes(path: string, issues: readonly v.BaseIssue<unknown>[]): ConfigError {
  // A misspelt setting explains why another is missing.
  const first = issues.find(isUnknownKey) ?? issues[0]!;
  const missing = issues.filter(isMissing).map(placeOf);
  if (!isMissing(first) || missing.length < 2) return mistake(path, first);
  const message = `${path} lacks ${missing.join(', ')}`;
  return new ConfigError({ what: path, value: undefined, message, expected: 'each of them' });
}

function placeOf(issue: v.BaseIssue<unknown>): string {
  return v.getDotPath(issue)?.replaceAll(/\.(\d+)/g, '[$1]') ?? 'the whole';
}

function mistake(path: string, issue: v.BaseIssue<unknown>): ConfigError {
  const what = `${placeOf(issue)} in ${path}`;
  if (isUnknownKey(issue)) {
    return new ConfigError({ what, value: issue.input, message: `${what} is no setting`, expected: issue.message });
  }
  if (isMissing(issue)) {
    return new ConfigError({ what, value: undefined, message: `${what} is missing`, expected: 'it to be there' });
  }
  return new ConfigError({ what, value: issue.input, expected: issue.message });
}

/**
 * Names as parts of a path, each another one.
 *
 * @throws ConfigError where a name stands twice
 */
export function slugs(all: readonly string[], what: string): string[] {
  const seen = new Set<string>();
  const taken = new Set<string>();
  return all.map((name) => {
    const same = name.normalize().trim().replaceAll(/\s+/g, ' ');
    if (seen.has(same)) {
      const remedy = 'Give each a name of its own with "name".';
      throw new ConfigError({ what: `a name of ${what}`, value: name, expected: 'one that no other has', remedy });
    }
    seen.add(same);
    const own = taken.has(slug(name)) ? `${slug(name)}-${shortHash(same)}` : slug(name);
    taken.add(own);
    return own;
  });
}

/** A name as part of a path: `gated softmax, β` → `gated-softmax-b`. */
export function slug(name: string): string {
  const plain = name.normalize('NFKC').toLowerCase().replaceAll('β', 'b').replaceAll('γ', 'g');
  const words = plain.replaceAll(/[^\p{L}\p{M}\p{N}.]+/gu, '-').replaceAll(/^[-.]+|-+$/g, '') || 'run';
  // File systems take names of 255 bytes.
  return words.length > 60 ? `${[...words].slice(0, 50).join('')}-${shortHash(name)}` : words;
}

function shortHash(text: string): string {
  return contentHash(new TextEncoder().encode(text)).slice(0, 6);
}
