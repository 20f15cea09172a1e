/**
 * OpenBLAS on one thread, through koffi. Both are optional: where the package or the system's library is missing there is
 * nothing to compare with.
 */

const library = 'libopenblas.so.0';
const [rowMajor, noTranspose] = [101, 111];

export interface OpenBlas {
  /** y [m, n] = a [m, k] b [k, n] */
  product(sizes: { m: number; k: number; n: number }, a: Float32Array, b: Float32Array, y: Float32Array): void;
}

export const openBlasName = 'OpenBLAS, 1 thread';

let opened: Promise<OpenBlas | string> | undefined;

/** The library, or why there is none. */
export function openBlas(): Promise<OpenBlas | string> {
  return (opened ??= open());
}

async function open(): Promise<OpenBlas | string> {
  try {
    const { default: koffi } = await import('koffi');
    const blas = koffi.load(library);
    (blas.func('void openblas_set_num_threads(int)') as (threads: number) => void)(1);
    const operands = 'int, int, int, int, int, int, float, const float *, int, const float *, int, float';
    const sgemm = blas.func(`void cblas_sgemm(${operands}, _Inout_ float *, int)`) as (...args: unknown[]) => void;
    return {
      product: ({ m, k, n }, a, b, y) => sgemm(rowMajor, noTranspose, noTranspose, m, n, k, 1, a, k, b, n, 0, y, n),
    };
  } catch (error) {
    return (error as Error).message;
  }
}
