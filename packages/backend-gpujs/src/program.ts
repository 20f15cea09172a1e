/**
 * What the source of a gpu.js kernel sees. A program is a plain function whose text gpu.js compiles once for each set of
 * sizes; it computes one number, that of cell (x, y, z) of its grid, from whole arrays.
 *
 * Such a function reaches nothing outside itself: no imports, no calls but those of Math. Whole numbers stand in floats, so
 * rows are told apart by ⌊(y + ½)/n⌋, which is right where a GPU divides inexactly. `one` is a 1 that no compiler knows of:
 * multiplied by it, a sum with its rounding error is not simplified away.
 */

/** The numbers of a tensor, row-major, whatever its shape. */
export type Floats = ArrayLike<number>;

/** What a program is compiled for: sizes, switches (0 or 1) and tables. */
export type Constants = Readonly<Record<string, number | Float32Array>>;

/** `this` of a program. */
export interface Thread<C> {
  readonly thread: { readonly x: number; readonly y: number; readonly z: number };
  readonly constants: C;
}

export type Program<C, Result = number> = (this: Thread<C>, ...operands: never[]) => Result;

/** Cells of a result, the innermost axis first: cell (x, y, z) is element (z·y₀ + y)·x₀ + x. */
export type Grid = readonly [x: number, y?: number, z?: number];

/** `this` of a program with the named constants, all of them numbers. */
export type Sized<Name extends string> = Thread<Readonly<Record<Name, number>>>;
