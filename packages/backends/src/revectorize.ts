/** The flag of V8 that joins two WebAssembly vectors into one of 256 bits. */
export const revectorize = '--experimental-wasm-revectorize';
