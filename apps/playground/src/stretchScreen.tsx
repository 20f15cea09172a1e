// Stretch: how well a model predicts far beyond the context that it was trained with, while it reads; softmax beside it.

import { useState } from 'preact/hooks';
import type { Engine } from './engine';
import { Choice, Fault, Figures } from './fields';
import { Key, LineChart, type Line } from './lineChart';
import { MemoryBars } from './memoryBars';
import type { Text } from './messages';
import { NoModel } from './noModel';
import type { PageEvent, PageState } from './state';
import { duration, loss, whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
  readonly text: Text;
}

const lengths = [1024, 4096, 16_384, 65_536, 262_144];

export function StretchScreen({ state, engine, dispatch, text }: Props) {
  const { model, stretch, isWorking, twin, phase } = state;
  const [length, setLength] = useState(4096);
  const [wanted, setBeside] = useState(true);
  if (!model) return <NoModel what="Nothing to stretch yet" />;
  const { context, constant, planned, token } = model;
  const beside = wanted && planned && constant;
  const shown = stretch?.length ?? length;
  // Room for the mark, where the context is shorter than a piece that is read.
  const from = Math.min(64, (context ?? 128) / 2);
  const { own, softmax } = stretch ?? {};
  const lines: Line[] = [
    { name: 'softmax', colour: '--cache', points: softmax?.points ?? [], width: 2 },
    { name: 'own', colour: '--held', points: own?.points ?? [], width: 2.5 },
  ];
  const last = (points: Line['points'] | undefined) => (points?.length ? loss(points.at(-1)![1]) : '–');
  const mine = constant ? 'This model' : 'This model, softmax';
  const says = own
    ? `Loss by position, in nats per ${token}: ${mine} ${last(own.points)} at ${whole(own.position)}` +
      (softmax ? `, softmax ${last(softmax.points)} at ${whole(softmax.position)}.` : '.')
    : 'Loss by position: nothing is drawn yet.';
  const busy = phase === 'training' || phase === 'paused' || phase === 'stopping';
  return (
    <div class="stretch">
      <section class="stage" aria-label="The long text">
        <LineChart
          {...{ lines, says, range: [from, shown], doubling: true, axis: `position, in ${token}s` }}
          mark={context === undefined ? undefined : { at: context, says: `trained up to ${whole(context)}` }}
          empty="Press Read, and the loss is drawn here."
        >
          <span class="title">
            Loss by position <small>nats per {token}</small>
          </span>
          <Key colour="--held">
            {mine} <b>{last(own?.points)}</b>
          </Key>
          {(beside || softmax) && (
            <Key colour="--cache">
              Softmax <b>{last(softmax?.points)}</b>
            </Key>
          )}
        </LineChart>
        <MemoryBars
          label="Memory of what was read"
          amounts={[
            {
              says: constant ? 'State of this model' : 'Keys and values of this model',
              kind: constant ? 'own' : 'cache',
              bytes: own?.memoryBytes,
            },
            ...(constant && (beside || softmax)
              ? [{ says: 'Keys and values of softmax', kind: 'cache' as const, bytes: softmax?.memoryBytes }]
              : []),
          ]}
        />
        <Figures
          figures={[
            ['Read', own ? `${whole(own.position)} of ${whole(shown)}` : '–'],
            ['Beyond training', own && context ? `${whole(own.position / context)} times` : '–'],
            ['Speed', own ? `${whole(own.tokensPerSecond)} tokens/s` : '–'],
          ]}
        />
      </section>
      <form
        class="panel"
        aria-label="What is read"
        onSubmit={(event) => {
          event.preventDefault();
          if (isWorking) return;
          dispatch({ type: 'asked to stretch', length });
          engine.ask({ type: 'stretch', text, length, beside });
        }}
      >
        <h2>Read on, far beyond training</h2>
        <p class="note">
          {context === undefined
            ? 'The model reads a text as one stream.'
            : `The model has never seen more than ${whole(context)} ${token}s at once. Here it reads on and on.`}{' '}
          A line that stays level means that it still uses what it read.
        </p>
        <Choice
          {...{ id: 'length', label: 'Length', value: String(length), disabled: isWorking }}
          choices={lengths.map((each) => [String(each), `${whole(each)} tokens`])}
          onChange={(value) => setLength(Number(value))}
        />
        {constant && (
          <div class="field switch">
            <input
              {...{ id: 'beside', type: 'checkbox', checked: beside, disabled: !planned || isWorking }}
              onChange={(event) => setBeside(event.currentTarget.checked)}
            />
            <label for="beside">Softmax beside it</label>
          </div>
        )}
        {constant && (
          <p class="note">
            {planned
              ? 'One with softmax attention is trained on the same text first, as this one was.'
              : 'Only a model that was trained here has one with softmax beside it.'}
          </p>
        )}
        <div class="buttons main">
          {isWorking ? (
            <button type="button" class="primary" onClick={() => engine.ask({ type: 'quit' })}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary" disabled={busy}>
              Read
            </button>
          )}
          <p class="status" role="status">
            {twin
              ? `Training softmax: ${whole(twin.step)} of ${whole(twin.steps)} steps, ${duration(twin.secondsLeft)} left.`
              : busy
                ? 'A run goes on. Stop it first.'
                : isWorking && !own
                  ? 'Getting ready…'
                  : ''}
          </p>
        </div>
        {stretch?.seen && (
          <p class="note">Your text is too short to keep so much of it from training: the model learnt from it.</p>
        )}
        <Fault>{state.failures.stretch}</Fault>
      </form>
    </div>
  );
}
