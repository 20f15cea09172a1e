export { fit, type FitOptions } from './fit';
export { load, type LoadTextOptions } from './load';
export { TextModel, type WritingOptions } from './textModel';
export { tokenizerOf } from './tokenizerOf';
// What the signatures above name.
export { byteTokenizer, charTokenizer, gpt2Tokenizer, type Tokenizer, type TokenSource } from '@sympow/data';
export { Session } from '@sympow/inference';
export type { Backend } from '@sympow/kernels';
export { variants, type Model, type ModelOptions } from '@sympow/model';
export type { Storage } from '@sympow/storage';
export type { StepEvent } from '@sympow/training';
