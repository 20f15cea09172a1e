// Inputs that are nearly right: files and descriptions of which a few places were changed, as those get furthest.
import fc from 'fast-check';

/** A place in something of any size, and what is done there. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Bytes of one of some files with some of them changed, put in or taken away. */
export function changedBytes(...files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.oneof(
    fc.record({ how: fc.constant('set' as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
    fc.record({ how: fc.constant('set' as const), at: place, bytes: fc.constantFrom(...numbers) }),
    fc.record({ how: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ how: fc.constant('cut' as const), at: place, bytes: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ how: fc.constant('end' as const), at: place, bytes: fc.constant(new Uint8Array()) }),
  );
  const edited = fc
    .record({ file: fc.constantFrom(...files), edits: fc.array(edit, { maxLength: 4 }) })
    .map(({ file, edits }) => {
      let bytes = file;
      for (const { how, at: share, bytes: more } of edits) {
        const at = Math.floor(share * bytes.length);
        const rest = { set: at + more.length, insert: at, cut: at + more.length, end: bytes.length }[how];
        const middle = how === 'set' || how === 'insert' ? more : new Uint8Array();
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...middle, ...bytes.subarray(rest)]);
      }
      return bytes;
    });
  return fc.oneof({ weight: 9, arbitrary: edited }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) });
}

/** Sizes that overflow something, little-endian. */
const numbers = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].flatMap((value) => {
  const bytes = new Uint8Array(BigUint64Array.of(value).buffer);
  return [bytes, bytes.subarray(0, 4)];
});

/** What stands where something else should. */
const stranger = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, -1, 1, 0.5, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53, 1e308, '', 'x', '1', '../x'],
    ...['toString', '__proto__', 'constructor', '\u{1f600}', '\ud800', '\0', 'x'.repeat(3000)],
    ...[[], {}, [null], [[]], { toString: 1 }, { length: 2 }, { valueOf: null }, [1, 2], Array<number>(2000).fill(1)],
  ),
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.jsonValue({ maxDepth: 3 }),
);

const edit = fc.record({ at: place, how: fc.constantFrom('set', 'set', 'remove', 'wrap', 'copy'), value: stranger });
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

/** One of some values with some of the values in it changed or taken away. */
export function changedJSON(...values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .record({ value: fc.constantFrom(...values), edits: fc.array(edit, { maxLength: 4 }) })
    .map(({ value, edits }) => edits.reduce(change, structuredClone(value)));
}

function change(value: unknown, { at, how, value: other }: Edit): unknown {
  const holder = { root: value };
  const slots: [object, string][] = [];
  const visit = (container: object) => {
    for (const key of Object.keys(container)) {
      slots.push([container, key]);
      const inner = (container as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) visit(inner);
    }
  };
  visit(holder);
  const [container, key] = slots[Math.floor(at * slots.length)]! as [Record<string, unknown>, string];
  const copied = slots[Math.floor(at * 997) % slots.length]!;
  const next: Record<string, () => unknown> = {
    set: () => structuredClone(other),
    wrap: () => [container[key]],
    copy: () => structuredClone((copied[0] as Record<string, unknown>)[copied[1]]),
  };
  if (how === 'remove' && key !== 'root') Reflect.deleteProperty(container, key);
  else container[key] = (next[how] ?? next['set']!)();
  return holder.root;
}

/** JSON text of such a value, or such text with some of its bytes changed. */
export function changedText(...values: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const encoder = new TextEncoder();
  const text = (value: unknown) => encoder.encode(JSON.stringify(value) ?? '');
  const deep = fc
    .tuple(fc.constantFrom('[', '{"a":', '[[],', '"', '\\"', '9', ' '), fc.integer({ min: 1, max: 20_000 }))
    .map(([piece, count]) => encoder.encode(piece.repeat(count)));
  return fc.oneof(
    { weight: 12, arbitrary: changedJSON(...values).map(text) },
    { weight: 4, arbitrary: changedBytes(...values.map(text)) },
    { weight: 1, arbitrary: deep },
  );
}
