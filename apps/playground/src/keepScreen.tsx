// Keep: checkpoints as files, and the runs that this browser keeps.

import { useState } from 'preact/hooks';
import type { Engine } from './engine';
import { Fault, FileButton, read } from './fields';
import type { PageEvent, PageState } from './state';
import { quantity, whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

export function KeepScreen({ state, engine, dispatch }: Props) {
  const { model, runs, phase } = state;
  const [address, setAddress] = useState('');
  const busy = phase !== 'idle';
  return (
    <div class="keep">
      <section>
        <h2>As a file</h2>
        <p>
          {model ? (
            <>
              <b>{model.name}</b>, {quantity(model.parameters)} parameters.
            </>
          ) : (
            'There is no model yet.'
          )}
        </p>
        <div class="buttons main">
          <button type="button" class="primary" disabled={!model} onClick={() => engine.ask({ type: 'download' })}>
            Download
          </button>
          <FileButton
            {...{ id: 'checkpoint', label: 'Files of a checkpoint', multiple: true, disabled: busy }}
            onFiles={(files) => {
              dispatch({ type: 'went wrong', place: 'checkpoint', message: undefined });
              void read(files).then((all) => engine.ask({ type: 'load', files: all }));
            }}
          >
            Open
          </FileButton>
        </div>
        <Fault>{state.failures.checkpoint}</Fault>
        <p class="note">
          The download is a .tar of the folder that the command line reads: unpack it with <code>tar xf</code>, then{' '}
          <code>sympow generate</code> writes with it. Open takes that file, or config.json, model.safetensors and
          tokenizer.json together.
        </p>
      </section>
      <section>
        <h2>From an address</h2>
        <form
          class="address"
          aria-label="A checkpoint at an address"
          onSubmit={(event) => {
            event.preventDefault();
            if (busy || state.isWorking || address.trim() === '') return;
            dispatch({ type: 'asked to fetch' });
            engine.ask({ type: 'fetch', address: address.trim() });
          }}
        >
          <div class="field">
            <label for="address">Folder of a checkpoint, or a .tar</label>
            <input
              {...{ id: 'address', type: 'url', placeholder: 'https://…', autocomplete: 'off', value: address }}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          </div>
          <div class="buttons">
            {state.isWorking ? (
              <button type="button" onClick={() => engine.ask({ type: 'quit' })}>
                Stop
              </button>
            ) : (
              <button type="submit" disabled={busy || address.trim() === ''}>
                Fetch
              </button>
            )}
          </div>
        </form>
        <Fault>{state.failures.address}</Fault>
        <p class="note">
          The browser fetches it straight from there, so its server has to let other pages read it (CORS). Families of
          Hugging Face that the command line opens work too.
        </p>
      </section>
      <section>
        <h2>In this browser</h2>
        {runs.length === 0 ? (
          <p class="note">Runs are kept here while they train, and are there again after a reload.</p>
        ) : (
          <ul class="runs">
            {runs.map(({ id, name, step, steps }) => (
              <li key={id}>
                <span>
                  <b>{name}</b>{' '}
                  <small>
                    {whole(step)} of {whole(steps)} steps, {new Date(Number(id.slice(4))).toLocaleString()}
                  </small>
                </span>
                <button
                  type="button"
                  disabled={busy || id === state.run?.id}
                  aria-label={`${id === state.run?.id ? 'Shown' : 'Open'}: ${name}, ${whole(step)} steps`}
                  onClick={() => engine.ask({ type: 'restore', id })}
                >
                  {id === state.run?.id ? 'Shown' : 'Open'}
                </button>
                <button
                  type="button"
                  disabled={busy || id === state.run?.id}
                  aria-label={`Remove: ${name}, ${whole(step)} steps`}
                  onClick={() => {
                    if (confirm(`Remove ${name} with its ${whole(step)} steps from this browser?`))
                      engine.ask({ type: 'remove', id });
                  }}
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
