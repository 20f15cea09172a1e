export { generate, type GenerateOptions } from './generate';
export {
  endText,
  generateText,
  type GeneratedText,
  type GenerateTextOptions,
  type TextTokenizer,
} from './generateText';
export { sampler, type GeneratedToken, type SamplingOptions } from './sampling';
export { beginSession, type OpenText, type Session } from './session';
export { loadSession, saveSession } from './sessionFile';
export { TextStream, type TokenDecoder } from './textStream';
export { writeText, type WriteTextOptions, type WrittenText } from './writeText';
