// Decoders of a tokenizer.json: from tokens as they are written to text, one token at a time. To decode at once is to decode
// one by one, so that both say the same.
import { bytesOfCharacters } from './byteLevel';
import { utf8 } from './decoding';
import {
  grownFrom,
  matchesOf,
  matchesOfText,
  replaceAll,
  requireGrowth,
  type Matches,
  type Translate,
} from './expressions';
import { stepsOf, type Fields } from './fields';

/** Takes tokens one after another, and gives texts as soon as no later token can change them. */
export interface DecodeStep {
  push(token: string): readonly string[];
  /** What is left when no token follows. */
  end(): readonly string[];
}

/** Begins to decode. */
export type Decode = () => DecodeStep;

/** The decoder of a tokenizer.json. */
export function decoderOf(json: unknown, translate: Translate): Decode {
  if (json === undefined || json === null) return () => spaced();
  let fused = false;
  const steps: Decode[] = [];
  for (const step of stepsOf(json, 'the decoder', 'decoders')) {
    const decode = stepOf(step, translate);
    steps.push(fused ? (fusedStepOf(step) ?? (() => asOne(decode))) : decode);
    fused ||= step.type === 'Fuse';
  }
  return () => chain(steps.map((begin) => begin()));
}

function chain(steps: readonly DecodeStep[]): DecodeStep {
  let taken = 0;
  let given = 0;
  let limit = 0;
  function through(tokens: readonly string[], from: number): readonly string[] {
    let texts = tokens;
    for (let i = from; i < steps.length && texts.length > 0; i++) {
      const step = steps[i]!;
      texts = texts.length === 1 ? step.push(texts[0]!) : texts.flatMap((token) => step.push(token));
      for (const { length } of texts) given += length;
      if (given > limit) requireGrowth('the decoder', given, limit);
    }
    return texts;
  }
  return {
    push: (token) => {
      taken += token.length;
      limit = steps.length * grownFrom(taken);
      return through([token], 0);
    },
    end: () => steps.flatMap((step, i) => through(step.end(), i + 1)),
  };
}

function stepOf(step: Fields, translate: Translate): Decode {
  switch (step.type) {
    case 'ByteLevel':
      return () => bytes((token) => bytesOfCharacters(token) ?? new TextEncoder().encode(token), false);
    case 'ByteFallback':
      return () => bytes(byteOf, true);
    case 'Fuse':
      return () => eachWith((token) => token);
    case 'Strip': {
      const { content, start, stop } = stripped(step);
      return () => eachWith((token) => strip(token, content, start, stop));
    }
    case 'Replace': {
      const replace = replacing(matchesOf(step, translate), step.text('content', ''));
      return () => eachWith(replace);
    }
    case 'Metaspace': {
      const mark = step.text('replacement', '▁');
      const scheme = step.text('prepend_scheme', step.flag('add_prefix_space', true) ? 'always' : 'never');
      return () => eachWith((token, first) => token.replaceAll(mark, first && scheme !== 'never' ? '' : ' '));
    }
    case 'WordPiece': {
      const mark = step.text('prefix', '##');
      const tidy = step.flag('cleanup', true) ? cleanUp : (text: string) => text;
      const joined = (token: string) =>
        mark !== '' && token.startsWith(mark) ? token.slice(mark.length) : ` ${token}`;
      return () => eachWith((token, first) => tidy(first ? token : joined(token)));
    }
    case 'BPEDecoder': {
      const suffix = step.text('suffix', '</w>');
      return () => lastApart((token, last) => (suffix === '' ? token : token.replaceAll(suffix, last ? '' : ' ')));
    }
    case 'CTC':
      return ctc(step);
    default:
      return step.wrong('type', 'a decoder that is known here');
  }
}

/** Each token by itself, the first perhaps in another way. */
function eachWith(change: (token: string, first: boolean) => string): DecodeStep {
  let first = true;
  return {
    push: (token) => {
      const text = change(token, first);
      first = false;
      return [text];
    },
    end: () => [],
  };
}

function spaced(): DecodeStep {
  return eachWith((token, first) => (first ? token : ` ${token}`));
}

/** Holds a token back until it is known whether it is the last. */
function lastApart(change: (token: string, last: boolean) => string): DecodeStep {
  let held: string | undefined;
  return {
    push: (token) => {
      const text = held === undefined ? [] : [change(held, false)];
      held = token;
      return text;
    },
    end: () => (held === undefined ? [] : [change(held, true)]),
  };
}

/** The byte that a token such as `<0x0A>` stands for. */
function byteOf(token: string): Uint8Array | undefined {
  return /^<0x[0-9a-fA-F]{2}>$/.test(token) ? Uint8Array.of(parseInt(token.slice(3, 5), 16)) : undefined;
}

/**
 * Tokens that are bytes, which make characters together.
 *
 * @param mixed - whether others may stand between them, which end a character
 */
function bytes(bytesOf: (token: string) => Uint8Array | undefined, mixed: boolean): DecodeStep {
  const stream = utf8();
  const some = (text: string) => (text === '' ? [] : [text]);
  return {
    push: (token) => {
      const part = bytesOf(token);
      if (part) return some(stream.decode(part, { stream: true }));
      return mixed ? [...some(stream.decode()), token] : [token];
    },
    end: () => some(stream.decode()),
  };
}

function ctc(step: Fields): Decode {
  const pad = step.text('pad_token', '<pad>');
  const delimiter = step.text('word_delimiter_token', '|');
  const tidy = step.flag('cleanup', true);
  return () => {
    let before: string | undefined;
    return {
      push: (token) => {
        const again = token === before;
        before = token;
        const text = pad === '' ? token : token.replaceAll(pad, '');
        if (again || text === '') return [];
        return [tidy && delimiter !== '' ? cleanUp(text).replaceAll(delimiter, ' ') : text];
      },
      end: () => [],
    };
  };
}

function stripped(step: Fields): { content: string; start: number; stop: number } {
  return { content: step.text('content', ' '), start: step.count('start', 0), stop: step.count('stop', 0) };
}

function strip(token: string, content: string, start: number, stop: number): string {
  const characters = [...token];
  let from = 0;
  let to = characters.length;
  while (from < start && from < to && characters[from] === content) from++;
  while (characters.length - to < stop && to > from && characters[to - 1] === content) to--;
  return characters.slice(from, to).join('');
}

function replacing(matches: Matches, content: string): (token: string) => string {
  return (token) => replaceAll(token, matches, content, grownFrom(token.length), 'the decoder');
}

/** A step behind `Fuse`, for which all tokens are one, that need not wait for the last of them; undefined for others. */
function fusedStepOf(step: Fields): Decode | undefined {
  if (step.type === 'Fuse') return () => eachWith((token) => token);
  if (step.type === 'Strip') {
    const { content, start, stop } = stripped(step);
    return stop === 0 ? () => stripFront(content, start) : undefined;
  }
  if (step.type === 'Replace') {
    const pattern = step.fields('pattern').value('String');
    if (typeof pattern !== 'string' || [...pattern].length !== 1) return undefined;
    const replace = replacing(matchesOfText(pattern), step.text('content', ''));
    return () => eachWith(replace);
  }
  return undefined;
}

function stripFront(content: string, start: number): DecodeStep {
  let left = start;
  return eachWith((token) => {
    if (left === 0 || token === '') return token;
    const text = strip(token, content, left, 0);
    left = text === '' ? left - [...token].length : 0;
    return text;
  });
}

/** All tokens as one, which is known when the last has come. */
function asOne(decode: Decode): DecodeStep {
  const tokens: string[] = [];
  return {
    push: (token) => {
      tokens.push(token);
      return [];
    },
    end: () => {
      if (tokens.length === 0) return [];
      const step = decode();
      return [...step.push(tokens.join('')), ...step.end()];
    },
  };
}

function cleanUp(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
