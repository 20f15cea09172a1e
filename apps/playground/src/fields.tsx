// Fields of forms, each with its label, its unit and what is wrong with it.

import type { Control } from '@sympow/core';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

/** What went wrong, told to screen readers when it comes. */
export function Fault({ id, children }: { id?: string; children: string | undefined }) {
  return (
    <p class="fault" role="alert" id={id}>
      {children}
    </p>
  );
}

/** A control of a table of settings. */
export function Field(props: {
  readonly control: Control;
  readonly value: string | boolean | undefined;
  readonly error: string | undefined;
  readonly disabled: boolean;
  readonly onChange: (value: string | boolean) => void;
}) {
  const { control, value, error, disabled, onChange } = props;
  const { key, label, says, unit, kind, choices = [], min, max, step, default: usual } = control;
  const id = `field-${key}`;
  const about = `${id}-about`;
  const shared = { id, disabled, 'aria-describedby': about, 'aria-invalid': error !== undefined };
  if (kind === 'switch') {
    const checked = (value ?? usual) === true;
    return (
      <div class="field switch" title={says}>
        <input
          {...shared}
          type="checkbox"
          checked={checked}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <label for={id}>{label}</label>
        <About id={about} says={says} error={error} />
      </div>
    );
  }
  const shown = typeof value === 'string' ? value : '';
  const fallback = typeof usual === 'number' || typeof usual === 'string' ? String(usual) : 'follows';
  return (
    <div class="field" title={says}>
      <label for={id}>
        {label} {unit && <small>{unit}</small>}
      </label>
      {kind === 'choice' ? (
        <select {...shared} value={shown} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">usual</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          {...{ type: 'number', min, max, step, value: shown, placeholder: fallback }}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <About id={about} says={says} error={error} />
    </div>
  );
}

function About({ id, says, error }: { id: string; says: string; error: string | undefined }) {
  return (
    <span id={id} class={error === undefined ? 'hidden' : 'fault'}>
      {error === undefined ? says : `Expected ${error}.`}
    </span>
  );
}

/** A list to choose from that stands in no table. */
export function Choice(props: {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly choices: readonly (readonly [value: string, says: string])[];
  readonly disabled: boolean;
  readonly onChange: (value: string) => void;
}) {
  const { id, label, value, choices, disabled, onChange } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select {...{ id, value, disabled }} onChange={(event) => onChange(event.currentTarget.value)}>
        {choices.map(([each, says]) => (
          <option key={each} value={each}>
            {says}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A button that opens files, with a field behind it that screen readers and tests know by `label`. */
export function FileButton(props: {
  readonly id: string;
  readonly label: string;
  readonly multiple: boolean;
  readonly disabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly children: string;
}) {
  const { id, label, multiple, disabled, onFiles, children } = props;
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" disabled={disabled} onClick={() => input.current?.click()}>
        {children}
      </button>
      <label class="hidden" for={id}>
        {label}
      </label>
      <input
        {...{ id, ref: input, type: 'file', multiple, class: 'hidden', tabIndex: -1, disabled }}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The same file can be chosen again.
          event.currentTarget.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}

/** Files with their bytes, as the worker takes them. */
export const read = (files: readonly File[]) =>
  Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));

/** Numbers with what they are. */
export function Figures({ figures }: { figures: readonly (readonly [what: string, value: ComponentChildren])[] }) {
  return (
    <dl class="figures">
      {figures.map(([what, value]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
