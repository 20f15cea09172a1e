import { expect, it } from 'vitest';
import { addressOf, formOf } from './address';
import { beginning, sizes, type Form } from './plan';

it('an address tells what differs from the form as it begins, and the form comes back from it', () => {
  expect(addressOf(beginning)).toBe('');
  expect(formOf('')).toEqual(beginning);
  const form: Form = {
    ...{ variant: 'gated', size: 'tiny', backend: 'wasm' },
    model: { ...beginning.model, ...sizes.tiny, tieEmbeddings: false },
    training: { ...beginning.training, steps: '1000' },
  };
  const address = addressOf(form);
  expect(address).toBe('?variant=gated&size=tiny&backend=wasm&model.tieEmbeddings=false&training.steps=1000');
  expect(formOf(address)).toEqual(form);
});

it('leaves out what it does not know', () => {
  expect(formOf('?variant=constructor&size=huge')).toEqual(beginning);
});
