// From what stands in the form to a plan, and what that will take, before anything is allocated. Fields are rows of the tables of
// settings.

import { controls, messageOf, valuesOf, type Control, type FormFields, type Setting } from '@sympow/core';
import { modelConfig, modelSettings, modelSize, variants, type ModelConfig, type Variant } from '@sympow/model';
import { trainingSettings } from '@sympow/training';
import type { Plan, Text } from './messages';
import { tokenizerOfText } from './run';
import { secondsPerStep } from './speed';

/** A form: of the two tables by their keys, and what stands in no table. */
export interface Form {
  readonly variant: Variant;
  readonly size: string;
  readonly backend: string;
  readonly model: FormFields;
  readonly training: FormFields;
}

/** Widths that belong together. */
export const sizes: Readonly<Record<string, FormFields>> = {
  tiny: { hiddenSize: '32', layers: '1', heads: '1', headSize: '32' },
  small: { hiddenSize: '64', layers: '2', heads: '2', headSize: '32' },
  medium: { hiddenSize: '128', layers: '4', heads: '4', headSize: '32' },
  large: { hiddenSize: '256', layers: '6', heads: '8', headSize: '32' },
};

/** What the form begins with: as `fit` of `@sympow/start` has it. */
export const beginning: Form = {
  ...{ variant: 'conformal', size: 'small', backend: 'auto' },
  model: { power: '2', ...sizes.small },
  training: { context: '128', batch: '8', steps: '300', learningRate: '0.004' },
};

const without = (settings: Readonly<Record<string, Setting>>, keys: readonly string[]) =>
  controls(settings).filter(({ key, kind }) => !keys.includes(key) && kind !== 'other');

/** The fields that most people look at. */
export const firstModelFields = controls({ power: modelSettings.power });
export const firstTrainingFields = controls({ context: trainingSettings.context, steps: trainingSettings.steps });
/** All others, by their groups. */
export const otherFields: readonly { readonly of: 'model' | 'training'; readonly fields: readonly Control[] }[] = [
  { of: 'model', fields: without(modelSettings, ['vocabSize', 'power']) },
  { of: 'training', fields: without(trainingSettings, ['context', 'steps', 'accumulate', 'gradientFormat', 'anneal']) },
];

/** What a form comes to. */
export interface Planned {
  readonly plan: Plan | undefined;
  readonly config: ModelConfig | undefined;
  /** By the keys of the fields; `text` and `form` for what is wrong with these. */
  readonly errors: Readonly<Record<string, string>>;
}

export function planOf(form: Form, text: Text): Planned {
  const model = valuesOf(modelSettings, form.model);
  const training = valuesOf(trainingSettings, form.training);
  const errors: Record<string, string> = { ...model.errors, ...training.errors };
  if (Object.keys(errors).length > 0) return { plan: undefined, config: undefined, errors };
  const options = { ...variants[form.variant], ...model.values };
  const run = training.values as Plan['training'];
  const count = tokenizerOfText(text.text).encode(text.text).length;
  const least = Math.ceil((run.context + 1) / 0.9) + 1;
  if (count < least) {
    errors.text = `${text.name} has ${count} characters; a context of ${run.context} needs at least ${least}. Take a longer text or a shorter context.`;
  }
  try {
    const config = modelConfig({ ...options, vocabSize: tokenizerOfText(text.text).vocabSize });
    const sampleEvery = Math.max(10, Math.round(run.steps / 6));
    const power = form.variant === 'softmax' ? '' : `, power ${String(config.power)}`;
    const label = `${form.variant}${power}, ${form.size}`;
    const plan = { text, label, model: options, training: run, backend: form.backend, sampleEvery };
    return { plan: errors.text === undefined ? plan : undefined, config, errors };
  } catch (error) {
    return { plan: undefined, config: undefined, errors: { ...errors, form: messageOf(error) } };
  }
}

/** What a plan will take. */
export interface Estimate {
  readonly parameters: number;
  readonly memoryBytes: number;
  readonly stateBytes: number;
  /** Unknown until the speed of the backend is. */
  readonly seconds: number | undefined;
}

export function estimateOf(config: ModelConfig, { training }: Plan, gigaflops: number | undefined): Estimate {
  const { parameters, trainingBytes, stateBytes } = modelSize(config, training);
  const seconds = gigaflops === undefined ? undefined : training.steps * secondsPerStep(config, training, gigaflops);
  return { parameters, memoryBytes: trainingBytes, stateBytes, seconds };
}
