// Runs that this browser keeps, beside the one that is shown: named, laid over it, hidden again.

import type { Engine } from './engine';
import type { Overlay } from './lossChart';
import type { Curve, KeptRun } from './messages';
import type { PageEvent, PageState } from './state';
import { loss, whole } from './units';

const colours = ['--run-1', '--run-2', '--run-3', '--run-4'];

/** The runs that are laid over the one that is shown. */
export function overlaysOf(
  runs: readonly KeptRun[],
  compared: Readonly<Record<string, Curve>>,
  shown: string | undefined,
): Overlay[] {
  return runs.flatMap(({ id, label }, i) => {
    const curve = compared[id];
    if (!curve || id === shown) return [];
    const twins = runs.filter((each) => each.label === label);
    const name = twins.length > 1 ? `${label} (${twins.findIndex((each) => each.id === id) + 1})` : label;
    return [{ name, colour: colours[i % colours.length]!, curve }];
  });
}

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

export function OtherRuns({ state: { runs, run, compared }, engine, dispatch }: Props) {
  const others = runs.filter(({ id }) => id !== run?.id);
  if (others.length === 0) return null;
  return (
    <details class="others" open={Object.keys(compared).length > 0}>
      <summary>Compare with {others.length === 1 ? 'another run' : `${whole(others.length)} other runs`}</summary>
      <ul class="runs">
        {others.map(({ id, label, name, step }) => {
          const curve = compared[id];
          const held = curve?.heldOut.at(-1)?.[1];
          return (
            <li key={id}>
              <input
                {...{ type: 'checkbox', checked: curve !== undefined, 'aria-label': `Show ${label}` }}
                onChange={(event) => {
                  if (event.currentTarget.checked) engine.ask({ type: 'compare', id });
                  else dispatch({ type: 'hide', id });
                }}
              />
              <input
                {...{ value: label, 'aria-label': `Name of ${label}`, class: 'label' }}
                onChange={(event) => engine.ask({ type: 'rename', id, label: event.currentTarget.value || name })}
              />
              <small>
                {name}, {whole(step)} steps{held === undefined ? '' : `, held out ${loss(held)}`}
              </small>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
