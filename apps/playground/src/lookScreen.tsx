// Look inside: gates, phases and what a head remembers, along a text; and how one head works.

import { useState } from 'preact/hooks';
import type { Engine } from './engine';
import { Choice, Fault } from './fields';
import { HeadPicture } from './headPicture';
import type { LookEvent } from './messages';
import { NoModel } from './noModel';
import type { PageEvent, PageState } from './state';
import { TokenMap, type Strip } from './tokenMap';
import { whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

const views = [
  ['shares', 'What a head remembers'],
  ['gates', 'Gates γ'],
  ['phases', 'Phases Σβ'],
] as const;
type View = (typeof views)[number][0];

export function LookScreen({ state, engine, dispatch }: Props) {
  const { model, look, isWorking, phase } = state;
  const [given, setText] = useState<string>();
  const [view, setView] = useState<View>('shares');
  const [head, setHead] = useState('0 0');
  const [token, setToken] = useState<number>();
  const busy = phase === 'training' || phase === 'paused' || phase === 'stopping';
  const text = given ?? model?.passage ?? '';
  const chosen = Math.min(token ?? Infinity, (look?.tokens.length ?? 1) - 1);
  const [layer = 0, index = 0] = head.split(' ').map(Number);
  return (
    <div class="look">
      <section class="stage" aria-label="Inside the model">
        {!model ? (
          <NoModel what="Nothing to look into yet" />
        ) : (
          <form
            class="ask"
            aria-label="The text"
            onSubmit={(event) => {
              event.preventDefault();
              if (isWorking) return;
              setToken(undefined);
              dispatch({ type: 'asked to look' });
              engine.ask({ type: 'look', text });
            }}
          >
            <div class="field">
              <label for="passage">A text for {model.name} to read</label>
              <textarea id="passage" rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </div>
            <div class="buttons main">
              <button type="submit" class="primary" disabled={busy || text === ''} aria-disabled={isWorking}>
                Look
              </button>
              <p class="status" role="status">
                {busy ? 'A run goes on. Stop it first.' : isWorking ? 'Reading…' : ''}
              </p>
            </div>
            <Fault>{state.failures.look}</Fault>
          </form>
        )}
        {look && (
          <>
            <fieldset class="segments">
              <legend class="hidden">Show</legend>
              {views.map(([name, says]) => (
                <label key={name}>
                  <input {...{ type: 'radio', name: 'view', checked: view === name }} onChange={() => setView(name)} />
                  <span>{says}</span>
                </label>
              ))}
            </fieldset>
            <TokenMap
              tokens={look.tokens}
              strips={stripsOf(look, view, layer, index, chosen)}
              {...{ chosen, onChoose: setToken, label: `${nameOf(view)} of each of ${look.tokens.length} tokens` }}
            />
            <div class="fields">
              <div class="field">
                <label for="token">
                  Token{' '}
                  <small>
                    {whole(chosen + 1)} of {whole(look.tokens.length)}
                  </small>
                </label>
                <input
                  {...{ id: 'token', type: 'range', min: 0, max: look.tokens.length - 1, step: 1, value: chosen }}
                  onInput={(event) => setToken(event.currentTarget.valueAsNumber)}
                />
              </div>
              <Choice
                {...{ id: 'head', label: 'Head', value: head, disabled: false }}
                choices={headsOf(look, view)}
                onChange={setHead}
              />
            </div>
            <p class="readout" aria-live="polite">
              {readout(look, view, layer, index, chosen)}
            </p>
          </>
        )}
      </section>
      <section class="panel" aria-label="How one head works">
        <HeadPicture />
      </section>
    </div>
  );
}

const nameOf = (view: View) => views.find(([name]) => name === view)![1];

function headsOf({ layers }: LookEvent, view: View): (readonly [string, string])[] {
  return layers.flatMap(({ heads, keyValueHeads }, layer) =>
    Array.from(
      { length: view === 'shares' ? heads : keyValueHeads },
      (_, i) => [`${layer} ${i}`, `layer ${layer + 1}, head ${i + 1}`] as const,
    ),
  );
}

/** How long a gate keeps, as heat: γ = 0.9 is a third of γ = 0.999. */
const keeping = (gate: number) => Math.log10(1 / Math.max(1e-4, 1 - gate)) / 4;

function stripsOf({ layers, tokens }: LookEvent, view: View, layer: number, index: number, chosen: number): Strip[] {
  const T = tokens.length;
  if (view === 'shares') {
    const { shares } = layers[layer]!;
    if (!shares) return [];
    const row = shares.subarray((index * T + chosen) * T, (index * T + chosen) * T + T);
    const most = Math.max(...row);
    return [{ name: `${layer + 1}.${index + 1}`, heat: row.map((share) => Math.sqrt(share / (most || 1))) }];
  }
  const most = Math.max(...layers.flatMap(({ phases }) => (phases ? [...phases] : [1])));
  return layers.flatMap(({ keyValueHeads: G, gates, phases }, at) => {
    const numbers = view === 'gates' ? gates : phases;
    if (!numbers) return [];
    return Array.from({ length: G }, (_, g) => ({
      name: `${at + 1}.${g + 1}`,
      heat: Array.from({ length: T }, (_, t) => {
        const value = numbers[t * G + g]!;
        return view === 'gates' ? keeping(value) : value / most;
      }),
    }));
  });
}

const quoted = (token: string) => (token === ' ' ? 'a space' : token === '\n' ? 'a line break' : `“${token}”`);

function readout({ layers, tokens }: LookEvent, view: View, layer: number, index: number, chosen: number): string {
  const { gates, phases, shares, keyValueHeads: G, kind } = layers[layer]!;
  const where = `Layer ${layer + 1}, head ${index + 1} at ${quoted(tokens[chosen]!)}`;
  const g = Math.min(index, G - 1);
  if (view === 'gates') {
    if (!gates) return 'This model has no gate for each head: its heads never forget by themselves.';
    const gate = gates[chosen * G + g]!;
    const half = Math.log(0.5) / Math.log(gate);
    const kept = half > 1e5 ? 'nothing fades' : `kept like this, half is left after ${whole(Math.max(1, half))} tokens`;
    return `${where}: γ = ${gate.toFixed(4)}; ${kept}. Dark keeps, light forgets.`;
  }
  if (view === 'phases') {
    if (!phases) return 'This model has no phases: its heads do not see how far apart tokens are.';
    const sum = phases[chosen * G + g]!;
    return `${where}: Σβ = ${sum.toFixed(1)} after ${whole(chosen + 1)} tokens. Plain rotary positions would be at ${whole(chosen + 1)}.`;
  }
  if (!shares) return `The answers of layers of kind ${kind} are no sums over past tokens.`;
  const T = tokens.length;
  const row = [...shares.subarray((index * T + chosen) * T, (index * T + chosen) * T + chosen + 1)];
  const best = row
    .map((share, j) => [share, j] as const)
    .sort((a, b) => b[0] - a[0])
    .slice(0, 3)
    .map(
      ([share, j]) =>
        `${quoted(tokens[j]!)} ${j === chosen ? 'itself' : `${whole(chosen - j)} back`}: ${(100 * share).toFixed(0)} %`,
    );
  return `${where} takes its answer from ${best.join(', ')}.`;
}
