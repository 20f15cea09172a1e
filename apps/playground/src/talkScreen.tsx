// Talk: a text that the model writes, and what it takes: the state that stays, beside keys and values that would grow.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Engine } from './engine';
import { Fault, Figures, FileButton, read } from './fields';
import { MemoryBars } from './memoryBars';
import type { Wish } from './messages';
import { NoModel } from './noModel';
import type { PageEvent, PageState } from './state';
import { whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

/** Numbers of a wish, with their ranges. */
const numbers = [
  { key: 'temperature', label: 'Temperature', min: 0, max: 5, step: 0.1 },
  { key: 'topP', label: 'Top-p', min: 0.01, max: 1, step: 0.01 },
  { key: 'minP', label: 'Min-p', min: 0, max: 1, step: 0.01 },
  { key: 'maxTokens', label: 'At most', unit: 'tokens', min: 1, max: 1_000_000, step: 1 },
  { key: 'seed', label: 'Seed', min: 0, max: 2 ** 31, step: 1 },
] as const;

export function TalkScreen({ state, engine, dispatch }: Props) {
  const { model, written, before, writing, isWriting, phase } = state;
  const [given, setPrompt] = useState<string>();
  const [values, setValues] = useState({ temperature: 0.8, topP: 1, minP: 0, maxTokens: 400, seed: 1 });
  const [stop, setStop] = useState('');
  const [next, setNext] = useState('');
  const paper = useRef<HTMLDivElement>(null);
  // The end of the text stays in view, unless somebody looks further up.
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (paper.current && follows.current) paper.current.scrollTop = paper.current.scrollHeight;
  }, [written]);
  const begun = writing !== undefined || isWriting;
  const prompt = given ?? model?.prompt ?? '';
  if (!model) return <NoModel what="Nobody to talk to yet" />;
  const write = (anew: boolean) => {
    const stops = stop === '' ? [] : [stop.replaceAll('\\n', '\n')];
    const wish: Wish = { ...values, anew, prompt: anew ? prompt : next, stop: stops };
    dispatch({ type: 'asked to write', wish });
    engine.ask({ type: 'write', wish });
    if (!anew) setNext('');
  };
  return (
    <div class="talk">
      <section class="stage" aria-label="The text">
        <div
          class="written"
          aria-label="What it wrote"
          tabIndex={0}
          ref={paper}
          onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
            follows.current = scrollHeight - scrollTop - clientHeight < 40;
          }}
        >
          {before && (
            <p class="before">
              Here {before.name} was opened: {whole(before.position)} tokens that it has read, and remembers.
            </p>
          )}
          {written === '' && !before ? <span class="empty">What {model.name} taught it comes here.</span> : written}
          {isWriting && <span class="caret" aria-hidden="true" />}
        </div>
        <MemoryBars
          label="Memory of the text so far"
          amounts={[
            { says: 'What this model remembers in', kind: 'own', bytes: writing?.stateBytes },
            { says: 'A key/value cache would take', kind: 'cache', bytes: writing?.cacheBytes },
          ]}
        />
        <Figures
          figures={[
            ['Context', writing ? `${whole(writing.position)} tokens` : '–'],
            ['Speed', writing ? `${whole(writing.tokensPerSecond)} tokens/s` : '–'],
            ['Trained at', model.context === undefined ? '–' : `${whole(model.context)} tokens`],
          ]}
        />
      </section>
      <form
        class="panel"
        aria-label="How it writes"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWriting) write(true);
        }}
      >
        <div class="field wide">
          <label for="prompt">Begin with</label>
          <textarea id="prompt" rows={3} value={prompt} onInput={(event) => setPrompt(event.currentTarget.value)} />
        </div>
        <div class="buttons main">
          {isWriting ? (
            <button type="button" class="primary" onClick={() => engine.ask({ type: 'hush' })}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary" disabled={prompt === ''}>
              Write
            </button>
          )}
        </div>
        {begun && (
          <>
            <div class="field wide">
              <label for="next">
                Then read <small>nothing, or a question about it</small>
              </label>
              <textarea id="next" rows={2} value={next} onInput={(event) => setNext(event.currentTarget.value)} />
            </div>
            <div class="buttons">
              <button type="button" disabled={isWriting} onClick={() => write(false)}>
                Go on
              </button>
            </div>
          </>
        )}
        {(phase === 'training' || phase === 'paused') && <p class="note">Training waits while it writes.</p>}
        <Fault>{state.failures.talk}</Fault>
        <div class="fields">
          {numbers.map(({ key, label, min, max, step, ...rest }) => (
            <div class="field" key={key}>
              <label for={key}>
                {label} {'unit' in rest && <small>{rest.unit}</small>}
              </label>
              <input
                {...{ id: key, type: 'number', min, max, step, required: true, value: values[key] }}
                onInput={(event) => setValues({ ...values, [key]: event.currentTarget.valueAsNumber })}
              />
            </div>
          ))}
          <div class="field">
            <label for="stop">
              Stop before <small>text</small>
            </label>
            <input id="stop" value={stop} placeholder="\n\n" onInput={(event) => setStop(event.currentTarget.value)} />
          </div>
        </div>
        <h2>Places to come back to</h2>
        <div class="buttons">
          {begun && (
            <>
              <button type="button" disabled={isWriting} onClick={() => engine.ask({ type: 'mark' })}>
                Mark this place
              </button>
              <button type="button" disabled={isWriting} onClick={() => engine.ask({ type: 'session' })}>
                Save the session
              </button>
            </>
          )}
          <FileButton
            {...{ id: 'session', label: 'File of a session', multiple: false, disabled: isWriting }}
            onFiles={(files) => {
              dispatch({ type: 'went wrong', place: 'session', message: undefined });
              void read(files).then(([file]) => engine.ask({ type: 'reopen', file: file! }));
            }}
          >
            Open a session
          </FileButton>
          {state.marks.map((place) => (
            <button
              key={place.mark}
              type="button"
              disabled={isWriting}
              onClick={() => {
                dispatch({ type: 'asked to return', mark: place });
                engine.ask({ type: 'return', mark: place.mark });
              }}
            >
              Back to {whole(place.position)}
            </button>
          ))}
        </div>
        <Fault>{state.failures.session}</Fault>
        <p class="note">
          {state.marks.length > 0
            ? 'A place is a fork: Go on writes from it as it would have, and with another seed or question something else.'
            : 'A saved session is what the model remembers of a text. Its size stays the same, whatever was read.'}
        </p>
      </form>
    </div>
  );
}
