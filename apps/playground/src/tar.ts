// Files in one, as `tar` packs them (POSIX ustar): what a browser can hand out and take in as a checkpoint, which is a folder.

export interface PackedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
const padded = (bytes: number) => Math.ceil(bytes / BLOCK) * BLOCK;

/** A name for a folder, from any name. */
export function folderNameOf(name: string): string {
  const plain = name.replaceAll(/[^\w-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return plain.slice(0, 40) || 'model';
}

/** The files below `folder`. */
export function pack(folder: string, files: readonly PackedFile[]): Uint8Array {
  const archive = new Uint8Array(files.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes.length), 2 * BLOCK));
  let at = 0;
  for (const { name, bytes } of files) {
    archive.set(header(`${folder}/${name}`, bytes.length), at);
    archive.set(bytes, at + BLOCK);
    at += BLOCK + padded(bytes.length);
  }
  return archive;
}

/** The files of an archive by the last part of their names; none where it is no archive. */
export function unpack(archive: Uint8Array): PackedFile[] {
  const files: PackedFile[] = [];
  for (let at = 0; at + BLOCK <= archive.length;) {
    const head = archive.subarray(at, at + BLOCK);
    if (head.every((byte) => byte === 0)) break;
    const size = parseInt(textAt(head, 124, 12), 8);
    const whole = at + BLOCK + size <= archive.length;
    if (textAt(head, 257, 5) !== 'ustar' || !(size >= 0) || !whole) return [];
    const kind = textAt(head, 156, 1);
    const name = textAt(head, 0, 100).split('/').pop() ?? '';
    if ((kind === '' || kind === '0') && name !== '') {
      files.push({ name, bytes: archive.slice(at + BLOCK, at + BLOCK + size) });
    }
    at += BLOCK + padded(size);
  }
  return files;
}

function header(name: string, size: number): Uint8Array {
  const head = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => head.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(0, name.slice(0, 100));
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(0, 11)}\0`);
  // The sum counts its own field as blanks.
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\x0000');
  put(
    148,
    `${octal(
      head.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
  );
  return head;
}

function textAt(head: Uint8Array, from: number, length: number): string {
  const field = head.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end)).trim();
}
