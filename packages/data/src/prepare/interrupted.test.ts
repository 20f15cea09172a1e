import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DataError } from '../errors';
import type { Written } from './journal';
import { prepare } from './prepare';
import { filesOf, folder, run, texts } from './prepare.cases';

describe('a run that ends early', () => {
  const outs = [
    ['books.bin', {}],
    ['books.zarr', { zarr: { length: 64, chunk: [4, 32] as const } }],
    ['again.zarr', { zarr: { version: 2 as const, length: 64, chunk: [4, 32] as const, documents: 60, cycle: true } }],
  ] as const;

  it.each(outs)('goes on with the same bytes, wherever it ended: %s', async (name, options) => {
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    const expected = await filesOf(whole);
    for (const certainEvery of [1, 1000]) {
      for (const events of [1, 4, 9, 17]) {
        const broken = join(folder, `broken-${certainEvery}-${events}`);
        await fs.mkdir(broken);
        const again = { out: join(broken, name), certainEvery, ...options };
        let left = events;
        let ends = 0;
        for (; ends < 200; ends++) {
          let ended = false;
          for await (const event of prepare(texts, again)) {
            ended = event.type === 'end';
            // Nothing is where the result will be before it is done.
            if (!ended) expect((await fs.readdir(broken)).includes(name)).toBe(false);
            if (!ended && --left === 0) break;
          }
          left = events + ends;
          if (ended) break;
        }
        expect(await filesOf(broken)).toEqual(expected);
      }
    }
  });

  it.each(outs)('leaves nothing half when the disk is full, and goes on when it is not: %s', async (name, options) => {
    const whole = join(folder, 'whole');
    const full = join(folder, 'full');
    await fs.mkdir(whole);
    await fs.mkdir(full);
    await run({ out: join(whole, name), ...options });
    const { open } = fs;
    for (let room = 0; room < 50; room += 9) {
      let writes = room;
      vi.spyOn(fs, 'open').mockImplementation(async (...parameters) => {
        const file = await open(...parameters);
        const fail = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' }));
        const { write, writeFile } = file;
        file.write = ((...args: Parameters<typeof write>) =>
          writes-- > 0 ? write.apply(file, args) : fail()) as typeof write;
        file.writeFile = (...args) => (writes-- > 0 ? writeFile.apply(file, args) : fail());
        return file;
      });
      const failure = await run({ out: join(full, name), certainEvery: 100, ...options }).catch(
        (error: unknown) => error,
      );
      vi.restoreAllMocks();
      if (!(failure instanceof Error)) break;
      expect(failure).toBeInstanceOf(DataError);
      expect(failure.message).toMatch(/^cannot write .*: the disk is full; expected .* goes on where it stopped\.$/);
      expect(await fs.readdir(full)).not.toContain(name);
    }
    if (!(await fs.readdir(full)).includes(name)) await run({ out: join(full, name), ...options });
    expect(await filesOf(full)).toEqual(await filesOf(whole));
  });

  it.each(outs)('follows no link that waits where it writes: %s', async (name, options) => {
    const victim = join(folder, 'victim');
    await fs.writeFile(victim, 'precious');
    const out = join(folder, name);
    await fs.mkdir(`${out}.partial`);
    for (const link of [
      'prepare.json.new',
      'json.new',
      'tokenizer.json.new',
      '.zarray.new',
      'zarr.json.new',
      '0.0.new',
    ]) {
      await fs.symlink(victim, join(`${out}.partial`, link));
    }
    await run({ out, ...options });
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');

    const again = join(folder, `again-${name}`);
    await fs.mkdir(`${again}.partial`);
    const grows = name.endsWith('.bin') ? 'tokens' : 'waiting.0';
    await fs.symlink(victim, join(`${again}.partial`, grows));
    const message = new RegExp(`^cannot write .*${grows}: it is a link that leads elsewhere; expected `);
    await expect(run({ out: again, ...options })).rejects.toThrow(message);
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');
  });

  it('comes to an end where folders cannot be made, though they seem to be missing', async () => {
    await expect(run({ out: '/proc/nowhere/books.bin' })).rejects.toThrow(
      /^cannot write \/proc\/nowhere.*: there can be/,
    );
    await fs.writeFile(join(folder, 'file'), '');
    await expect(run({ out: join(folder, 'file/x.zarr') })).rejects.toThrow(/a file stands where a folder should/);
  });

  it.each(outs)('keeps nothing of what a killed run had half written: %s', async (name, options) => {
    const out = join(folder, name);
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    await fs.mkdir(join(`${out}.partial`, 'c', '0'), { recursive: true });
    for (const half of ['prepare.json.0123abcd.partial', '0.0.0123abcd.partial', 'c/0/0.89abcdef.partial']) {
      await fs.writeFile(join(`${out}.partial`, half), 'half');
    }
    await run({ out, ...options });
    await fs.rename(whole, `${folder}-whole`);
    const expected = await filesOf(`${folder}-whole`);
    await fs.rm(`${folder}-whole`, { recursive: true });
    expect(await filesOf(folder)).toEqual(expected);
  });

  it('stops at once when told to', async () => {
    const controller = new AbortController();
    const out = join(folder, 'books.zarr');
    const options = { out, zarr: { length: 64 }, signal: controller.signal };
    await expect(async () => {
      for await (const event of prepare(texts, options)) if (event.type === 'progress') controller.abort();
    }).rejects.toThrow(/abort/i);
    expect(await fs.readdir(folder)).toEqual(['books.zarr.partial']);
  });

  it.each(outs)('is not gone on with after a text that was read became another one: %s', async (name, options) => {
    const out = join(folder, name);
    const begin = async () => {
      let left = 3;
      for await (const _ of prepare(texts, { out, certainEvery: 1, ...options })) if (--left === 0) break;
    };
    await begin();
    const journal = await fs.readFile(join(`${out}.partial`, 'prepare.json'), 'utf8');
    const { place } = (JSON.parse(journal) as { written: Written }).written;
    const reached = place.row > 0 ? place.input : place.input - 1;
    for (const i of texts.keys()) {
      const bytes = (await texts[i]!.read()).slice();
      bytes[bytes.length - 1]! ^= 1;
      const changed = texts.map((input, j) => (i === j ? { ...input, read: async () => bytes } : input));
      if (i > reached) continue;
      const before = await filesOf(folder);
      await expect(run({ out, ...options }, changed)).rejects.toThrow(
        new RegExp(
          `^${texts[i]!.name} is not the text that it was when .*partial was begun; .* remove .* to start anew`,
        ),
      );
      expect(await filesOf(folder)).toEqual(before);
    }
    expect(reached).toBeGreaterThanOrEqual(0);
    // With the texts that it was begun with it still goes on; those that were not read yet may be others.
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    await run({ out, ...options });
    expect(await fs.readFile(join(whole, name)).catch(() => filesOf(join(whole, name)))).toEqual(
      await fs.readFile(out).catch(() => filesOf(out)),
    );
  });

  it('does not take a text for two when it changes between two passes', async () => {
    let reads = 0;
    const input = { ...texts[0]!, read: async () => new Uint8Array(400).fill(65 + reads++) };
    const zarr = { length: 64, documents: 60, cycle: true };
    await expect(run({ out: join(folder, 'x.zarr'), zarr }, [input])).rejects.toThrow(/^a is not the text that it was/);
  });

  it('is not gone on with from other texts or options', async () => {
    const out = join(folder, 'books.zarr');
    for await (const _ of prepare(texts, { out, zarr: { length: 64 } })) break;
    await fs.writeFile(join(`${out}.partial`, 'prepare.json'), '{"settings":{},"written":{}}');
    await expect(run({ out, zarr: { length: 64 } })).rejects.toThrow(
      /was begun with other texts or options.*Remove it/,
    );
    await fs.writeFile(join(`${out}.partial`, 'prepare.json'), '{"sett');
    await expect(run({ out, zarr: { length: 64 } })).rejects.toThrow(DataError);
  });

  it('is not gone on with from a journal that is none', async () => {
    const out = join(folder, 'books.zarr');
    const options = { out, zarr: { length: 64 }, certainEvery: 1 };
    for await (const _ of prepare(texts, options)) break;
    const file = join(`${out}.partial`, 'prepare.json');
    const whole = JSON.parse(await fs.readFile(file, 'utf8')) as { written: Written };
    const written = (change: object) => ({ ...whole, written: { ...whole.written, ...change } });
    for (const journal of [
      ...[null, 7, [], { ...whole, written: null }, { ...whole, written: 'all' }],
      ...[{ place: null }, { place: { pass: 0, input: 99, row: 0 } }, { documents: '1' }].map(written),
      ...[{ documents: 2 ** 40 }, { tokens: -1 }, { texts: 'all' }, { texts: [7] }].map(written),
      written({ texts: Array<string>(99).fill('x') }),
    ]) {
      await fs.writeFile(file, JSON.stringify(journal));
      await expect(run(options)).rejects.toThrow(DataError);
    }
  });
});
