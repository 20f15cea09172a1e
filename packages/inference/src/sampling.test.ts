import { BackendError, ConfigError } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { requireToken, settingsOf, type SamplingOptions } from './sampling';

it('what is not said lets every token pass', () => {
  expect(settingsOf(5, {})).toEqual([1, 5, 1, 0]);
  expect(settingsOf(5, { temperature: 0.7, topK: 99, topP: 0.9, minP: 0.1 })).toEqual([0.7, 5, 0.9, 0.1]);
});

it('logits that are not numbers are an error', () => {
  const choose = () => requireToken({ token: -1, logProbability: NaN });
  expect(choose).toThrow(BackendError);
  expect(choose).toThrow(/^a logit is NaN; expected numbers\./);
  expect(requireToken({ token: 0, logProbability: -1 })).toEqual({ token: 0, logProbability: -1 });
});

it.each<[SamplingOptions]>([
  [{ temperature: NaN }],
  [{ temperature: Infinity }],
  [{ topK: 0 }],
  [{ topK: 1.5 }],
  [{ topP: 1.1 }],
  [{ topP: NaN }],
  [{ minP: -0.1 }],
  [{ minP: 1.1 }],
])('%j is refused', (options) => {
  expect(() => settingsOf(4, options)).toThrow(ConfigError);
});
