// Keep: checkpoints as files, and the runs that this browser keeps.

import { useRef } from 'preact/hooks';
import type { Engine } from './engine';
import { Fault } from './fields';
import type { PageEvent, PageState } from './state';
import { quantity, whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

export function KeepScreen({ state, engine, dispatch }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const { model, runs, phase } = state;
  const busy = phase !== 'idle';
  const open = async (files: readonly File[]) => {
    dispatch({ type: 'went wrong', place: 'checkpoint', message: undefined });
    const read = files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
    engine.ask({ type: 'load', files: await Promise.all(read) });
  };
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
          <button type="button" disabled={busy} onClick={() => input.current?.click()}>
            Open
          </button>
        </div>
        <label class="hidden" for="checkpoint">
          Files of a checkpoint
        </label>
        <input
          {...{
            id: 'checkpoint',
            ref: input,
            type: 'file',
            multiple: true,
            class: 'hidden',
            tabIndex: -1,
            disabled: busy,
          }}
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = '';
            if (files.length > 0) void open(files);
          }}
        />
        <Fault>{state.failures.checkpoint}</Fault>
        <p class="note">
          The download is a .tar of the folder that the command line reads: unpack it with <code>tar xf</code>, then{' '}
          <code>sympow generate</code> writes with it. Open takes that file, or config.json, model.safetensors and
          tokenizer.json together.
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
