// Which element types a file may hold, how many bytes each takes, and what kind of numbers they are.

/** Element types that are read and written. The small floats are those of the Open Compute Project and of ONNX's `FN`. */
export type StoredDType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'F8_E8M0'
  | 'C64'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/** Bytes per element. The order is that of the file: types that need more alignment come first. */
export const STORED_BYTES: { readonly [T in StoredDType]: number } = {
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
  F32: 4,
  U32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  U16: 2,
  I16: 2,
  F8_E8M0: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export function isStoredDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(STORED_BYTES, value);
}

/** Whether its elements are whole numbers or truths, which can become int32 without rounding. */
export function isWhole(dtype: StoredDType): boolean {
  return /^[IUB]/.test(dtype) && dtype !== 'BF16';
}

/** The product of a shape; 0 where an axis is empty, however large the others are. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((count, length) => count * length, 1);
}
