// The form of a run.

import { variants, type Variant } from '@sympow/model';
import { Choice, Fault, Field, FileButton } from './fields';
import type { Text } from './messages';
import { firstModelFields, firstTrainingFields, otherFields, sizes, type Form } from './plan';
import { sampleText } from './sample';
import { bytes } from './units';

interface Props {
  readonly form: Form;
  readonly text: Text;
  readonly errors: Readonly<Record<string, string>>;
  readonly textFault: string | undefined;
  readonly backendFault: string | undefined;
  readonly backends: readonly string[];
  readonly notes: readonly string[];
  readonly disabled: boolean;
  readonly onForm: (form: Form) => void;
  readonly onText: (text: Text) => void;
  readonly onFiles: (files: readonly File[]) => void;
}

export function PlanForm(props: Props) {
  const { form, errors, disabled, onForm } = props;
  const field = (of: 'model' | 'training') => (control: (typeof firstModelFields)[number]) => (
    <Field
      {...{ key: control.key, control, disabled, value: form[of][control.key], error: errors[control.key] }}
      onChange={(value) => {
        const size = of === 'model' && control.key in sizes.small! ? 'own' : form.size;
        onForm({ ...form, size, [of]: { ...form[of], [control.key]: value } });
      }}
    />
  );
  const sizeChoices = Object.keys(sizes).map((name) => [name, name] as const);
  return (
    <>
      <TextField {...props} />
      <div class="fields">
        <Choice
          {...{ id: 'variant', label: 'Variant', value: form.variant, disabled }}
          choices={Object.keys(variants).map((name) => [name, name])}
          onChange={(variant) => onForm({ ...form, variant: variant as Variant })}
        />
        {firstModelFields.map(field('model'))}
        <Choice
          {...{ id: 'size', label: 'Size', value: form.size, disabled }}
          choices={form.size === 'own' ? [...sizeChoices, ['own', 'own']] : sizeChoices}
          onChange={(size) => onForm({ ...form, size, model: { ...form.model, ...sizes[size] } })}
        />
        {firstTrainingFields.map(field('training'))}
        <Choice
          {...{ id: 'backend', label: 'Computes on', value: form.backend, disabled }}
          choices={[['auto', 'the fastest here'], ...props.backends.map((name) => [name, name] as const)]}
          onChange={(backend) => onForm({ ...form, backend })}
        />
      </div>
      <Fault>{errors.form ?? props.backendFault}</Fault>
      {props.notes.length > 0 && <p class="note">{props.notes.join(' · ')}</p>}
      <details>
        <summary>All settings</summary>
        {otherFields.map(({ of, fields }) =>
          [...new Set(fields.map(({ group }) => group))].map((group) => (
            <fieldset key={of + group}>
              <legend>{group}</legend>
              <div class="fields">{fields.filter((each) => each.group === group).map(field(of))}</div>
            </fieldset>
          )),
        )}
      </details>
    </>
  );
}

const sample = sampleText();

/** The text: the one that ships, or files. */
function TextField({ text, errors, textFault, disabled, onText, onFiles }: Props) {
  return (
    <div
      class="text"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length > 0 && !disabled) onFiles(files);
      }}
    >
      <span class="name">
        <b>{text.name}</b> <small>{bytes(text.text.length)}</small>
      </span>
      <p class="peek">{text.text.slice(0, 140).replaceAll(/\s+/g, ' ')}…</p>
      <div class="buttons">
        <FileButton {...{ id: 'files', label: 'Text files to learn from', multiple: true, disabled, onFiles }}>
          Your own files
        </FileButton>
        {text.name === sample.name ? (
          <span class="hint">or drop them here</span>
        ) : (
          <button type="button" disabled={disabled} onClick={() => onText(sample)}>
            The sample
          </button>
        )}
      </div>
      <Fault>{textFault ?? errors.text}</Fault>
    </div>
  );
}
