import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '@sympow/core';
import { DataError } from '../errors';
import { TextCheck, toUTF8 } from './textEncoding';
import { textFiles } from './textFiles';

const text = 'Die Wörter naïve, été, 漢字 und 😀.\n'.repeat(300);
const latin = 'Die Wörter naïve und été.\n'.repeat(300);
const bytes = (...parts: (string | number[] | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const utf16be = (words: string) => Buffer.from(words, 'utf16le').swap16();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encodings-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a file of these bytes gives: its text, or what it is refused with. */
async function read(contents: Buffer, encoding?: string): Promise<string> {
  const path = join(folder, 'file');
  await writeFile(path, contents);
  const source = await textFiles(path, { encoding });
  return Buffer.from(await source.read(0, 0, source.tokenCount)).toString('utf8');
}

/** What it gives within a folder, which has another file too. */
async function inFolder(contents: Buffer, encoding?: string): Promise<readonly string[]> {
  const place = await mkdtemp(join(folder, 'books-'));
  await writeFile(join(place, 'file'), contents);
  await writeFile(join(place, 'plain'), bytes('\ufeffplain'));
  return (await textFiles(place, { encoding })).notes.map((note) => note.replace(/^.*\/file /, ''));
}

const refused: [what: string, contents: Buffer, reason: RegExp, remedy: RegExp][] = [
  [
    'a document of Word',
    bytes('PK\x03\x04', [20, 0, 6, 0], text),
    /it is a ZIP archive/,
    /^Convert it to plain text, or/,
  ],
  ['a PDF of letters alone', bytes('%PDF-1.4\n', latin), /it is a PDF/, /^Convert it to plain text/],
  ['a picture', bytes([0x89], 'PNG\r\n', [0x1a, 10, 0, 0, 0, 13]), /it is binary/, /^Convert it to plain text/],
  ['what gzip made', bytes([0x1f, 0x8b, 8, 8], text), /it is compressed by gzip/, /zcat/],
  ['UTF-16 with a mark', bytes([0xff, 0xfe], Buffer.from(text, 'utf16le')), /it is UTF-16/, /--encoding utf-16\)/],
  ['UTF-16, big end first', bytes([0xfe, 0xff], utf16be(text)), /it is UTF-16/, /--encoding utf-16\)/],
  ['UTF-16 without a mark', Buffer.from(latin, 'utf16le'), /it looks like UTF-16/, /--encoding utf-16le/],
  ['the same, big end first', utf16be(latin), /it looks like UTF-16/, /--encoding utf-16be/],
  ['Latin-1', Buffer.from(latin, 'latin1'), /it is not UTF-8 \(byte 0xf6 at 5\)/, /--encoding latin1/],
  ['one wrong byte at the very end', bytes(text, [0xff]), /it is not UTF-8 \(byte 0xff at \d+\)/, /--encoding latin1/],
  ['half a character at the end', bytes(text).subarray(0, -4), /it ends inside a character/, /--encoding latin1/],
];

describe('a file that is no text in UTF-8', () => {
  it.each(refused)('is refused when it is named: %s', async (_, contents, reason, remedy) => {
    const error = await read(contents).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(reason);
    expect((error as DataError).expected).toBe('text in UTF-8');
    expect((error as DataError).remedy).toMatch(remedy);
    expect((error as DataError).remedy).toMatch(
      /or take its bytes as they are \(encoding: 'bytes', --encoding bytes\)\.$/,
    );
  });

  it.each(refused)('is left out of a folder for the same reason: %s', async (_, contents, reason) => {
    expect(await inFolder(contents)).toEqual([expect.stringMatching(/^was left out: /)]);
    expect((await inFolder(contents))[0]).toMatch(reason);
  });

  it.each(refused)('is taken as it is when that is said: %s', async (_, contents) => {
    const path = join(folder, 'file');
    await writeFile(path, contents);
    const source = await textFiles(path, { encoding: 'bytes' });
    expect(Buffer.from(await source.read(0, 0, source.tokenCount)).equals(contents)).toBe(true);
  });
});

describe('a file in an encoding that is named', () => {
  it.each([
    ['utf-16', bytes([0xff, 0xfe], Buffer.from(text, 'utf16le')), text],
    ['utf-16', bytes([0xfe, 0xff], utf16be(text)), text],
    ['utf-16', Buffer.from(text, 'utf16le'), text],
    ['utf-16be', utf16be(text), text],
    ['latin1', Buffer.from(latin, 'latin1'), latin],
    ['ISO-8859-1', Buffer.from(latin, 'latin1'), latin],
    ['shift_jis', bytes([0x8a, 0xbf, 0x8e, 0x9a]), '漢字'],
    ['utf-8', bytes(text), text],
    [undefined, bytes(text), text],
    [undefined, bytes('\ufeff', text), `\ufeff${text}`],
  ])('is read as the text that it is: %s', async (encoding, contents, expected) => {
    expect(await read(contents, encoding)).toBe(expected);
    expect(await inFolder(contents, encoding)).toEqual([]);
  });

  it('is refused where it is in another', async () => {
    await expect(read(bytes('odd'), 'utf-16')).rejects.toThrow(/as text: it is not utf-16le; expected text in utf-16/);
    await expect(read(bytes([0xd8, 0, 0xd8, 0]), 'utf-16be')).rejects.toThrow(/it is not utf-16be/);
    await expect(read(bytes([0x89], 'PNG', [0, 0]), 'latin1')).rejects.toThrow(/it is binary/);
    await expect(read(bytes('PK\x03\x04', text), 'latin1')).rejects.toThrow(/it is a ZIP archive/);
    await expect(read(bytes(latin), 'latin-one')).rejects.toThrow(ConfigError);
    await expect(read(bytes(latin), 'latin-one')).rejects.toThrow(
      /^encoding is "latin-one"; expected utf-8, utf-16, latin1/,
    );
  });
});

describe('bytes that come in pieces', () => {
  const all = new TextEncoder().encode(`aé漢😀\u{10ffff}\ud7ff\ue000`);
  const wrong = [[0xc0, 0x80], [0xe0, 0x9f, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xf5], [0xc3, 0x28]]; // prettier-ignore
  const check = (pieces: Uint8Array[]) => {
    const [head, ...rest] = pieces;
    const found = new TextCheck(head!, undefined);
    for (const piece of rest) found.push(piece);
    return found.end();
  };
  const cuts = (whole: Uint8Array) => [...whole.keys()].map((at) => [whole.subarray(0, at), whole.subarray(at)]);

  it('are text wherever they are cut', () => {
    for (const pieces of cuts(all)) expect(check(pieces)).toBeUndefined();
  });

  it.each(wrong)('are none where TextDecoder says so, wherever they are cut: %j', (...sequence) => {
    const whole = Uint8Array.from([...all, ...sequence, 0x41]);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(whole)).toThrow(TypeError);
    for (const pieces of cuts(whole)) expect(check(pieces)?.reason).toMatch(/^it is not UTF-8/);
  });

  it('become UTF-8 across the pieces in which a large file is decoded', () => {
    const many = new Uint8Array(2 * (2 ** 24 + 3)).fill(0x61);
    for (let at = 1; at < many.length; at += 2) many[at] = 0;
    many.set([0x3d, 0xd8, 0x00, 0xde], 2 ** 24 - 2);
    const decoded = toUTF8(many, 'utf-16le');
    expect(decoded.length).toBe(2 ** 24 + 3 - 2 + 4);
    expect(new TextDecoder().decode(decoded.subarray(2 ** 23 - 2, 2 ** 23 + 5))).toBe('a😀aa');
  });
});
