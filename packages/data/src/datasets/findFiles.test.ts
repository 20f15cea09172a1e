import { execFileSync } from 'node:child_process';
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataError } from '../errors';
import { textFiles } from './textFiles';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'find-'));
  await fs.writeFile(join(folder, 'a.txt'), 'A text.');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true, force: true });
});

const notesOf = async () => {
  const source = await textFiles(folder);
  expect(source.documentCount).toBe(1);
  return source.notes.map((note) => note.replace(/^.*?\//, ''));
};

describe('a folder in which something cannot be read', () => {
  it('is read without links that lead nowhere or in a circle', async () => {
    await fs.symlink('nowhere', join(folder, 'dangling.txt'));
    await fs.symlink('circle', join(folder, 'circle'));
    expect(await notesOf()).toEqual([
      'circle was left out: its link leads in a circle',
      'dangling.txt was left out: its link leads nowhere',
    ]);
  });

  it('is read without files whose names are not UTF-8', async () => {
    await fs.writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9), Buffer.from('.txt')]), 'text');
    expect(await notesOf()).toEqual(['caf\ufffd.txt was left out: its name is not UTF-8; give it another']);
  });

  it('is read without named pipes, and does not wait for them', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await notesOf()).toEqual(['pipe was left out: it is neither file nor folder']);
  });

  it('is read without what may not be read', async () => {
    await fs.mkdir(join(folder, 'closed'));
    await fs.writeFile(join(folder, 'secret.txt'), 'text');
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const { open, readdir } = fs;
    vi.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
      if (String(path).endsWith('secret.txt')) throw denied;
      return open(path, ...rest);
    });
    vi.spyOn(fs, 'readdir').mockImplementation((async (path: string) => {
      if (path.endsWith('closed')) throw denied;
      return readdir(path);
    }) as unknown as typeof readdir);
    expect(await notesOf()).toEqual([
      'closed was left out: permission is missing',
      'secret.txt was left out: permission is missing',
    ]);
  });
});

describe('a file of 2 GiB', () => {
  it('is refused before it is read, also in a folder', async () => {
    const large = join(folder, 'large.txt');
    await fs.writeFile(large, '');
    await fs.truncate(large, 2 ** 31);
    const { open } = fs;
    const opened = vi.spyOn(fs, 'open').mockImplementation(async (...parameters) => {
      const file = await open(...parameters);
      if (String(parameters[0]).endsWith('large.txt')) file.read = () => Promise.reject(new Error('it was read'));
      return file;
    });
    for (const path of [large, folder]) {
      await expect(textFiles(path)).rejects.toThrow(
        /large\.txt" \(it has 2147483648 bytes\); expected a text file below 2 GiB/,
      );
    }
    expect(opened).toHaveBeenCalled();
  });
});

describe('what is no file', () => {
  it('is refused when it is named, and nobody waits for it', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(textFiles(pipe)).rejects.toThrow(DataError);
    await expect(textFiles(pipe)).rejects.toThrow(
      /pipe" is a named pipe; expected .* Read it through standard input, which is the path "-"/,
    );
    await expect(textFiles('/dev/zero')).rejects.toThrow(/^"\/dev\/zero" is no file; expected a text file or a folder/);
    await expect(textFiles(join(folder, 'dangling'))).rejects.toThrow(/ENOENT/);
  });
});
