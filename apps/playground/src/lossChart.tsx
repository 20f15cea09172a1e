// The chart of runs: losses of the updates of the one that is shown, those on held-out text, and other runs behind it.

import { useMemo } from 'preact/hooks';
import { Key, LineChart, type Line } from './lineChart';
import type { Curve } from './messages';
import { loss, whole } from './units';

/** A run that lies behind. */
export interface Overlay {
  readonly name: string;
  readonly colour: string;
  readonly curve: Curve;
}

interface Props {
  readonly curve: Curve;
  readonly steps: number;
  /** Nats per what. */
  readonly unit: string;
  readonly overlays: readonly Overlay[];
}

/** Points of the losses of updates: all of them up to a thousand, else means over as many equal parts. */
export function pointsOf(losses: readonly number[], most = 1000): [number, number][] {
  if (losses.length <= most) return losses.map((value, i) => [i + 1, value]);
  const size = Math.ceil(losses.length / most);
  return Array.from({ length: Math.ceil(losses.length / size) }, (_, i) => {
    const part = losses.slice(i * size, (i + 1) * size);
    return [i * size + part.length, part.reduce((sum, value) => sum + value, 0) / part.length];
  });
}

/** The held-out losses of a run, or where there are none, those of its updates. */
const lastOf = ({ train, heldOut }: Curve) => heldOut.at(-1)?.[1] ?? train.at(-1);

export function LossChart({ curve, steps, unit, overlays }: Props) {
  const lines = useMemo<Line[]>(
    () => [
      ...overlays.map(({ name, colour, curve: { train, heldOut } }) => ({
        ...{ name, colour, points: heldOut.length > 1 ? heldOut : pointsOf(train, 60), width: 2 },
      })),
      { name: 'training', colour: '--train', points: pointsOf(curve.train) },
      { name: 'held out', colour: '--held', points: curve.heldOut, width: 2.5, dots: true },
    ],
    [curve, overlays],
  );
  const most = Math.max(steps, ...overlays.map((each) => each.curve.train.length), 1);
  const [last, held] = [curve.train.at(-1), curve.heldOut.at(-1)];
  const others = overlays.map((each) => `; ${each.name}: ${loss(lastOf(each.curve) ?? NaN)}`).join('');
  const says =
    last === undefined
      ? 'Loss by step: nothing is drawn yet.'
      : `Loss by step, in nats per ${unit}: ${loss(last)} in training after ${whole(curve.train.length)} steps` +
        `${held ? `, ${loss(held[1])} on held-out text` : ''}${others}.`;
  return (
    <LineChart
      {...{ lines, says, range: [0, most], axis: 'step' }}
      empty={overlays.length > 0 ? undefined : 'Press Start, and the loss is drawn here.'}
    >
      <span class="title">
        Loss <small>nats per {unit}</small>
      </span>
      <Key colour="--train">
        Training <b>{last === undefined ? '–' : loss(last)}</b>
      </Key>
      <Key colour="--held">
        Held out <b>{held ? loss(held[1]) : '–'}</b>
      </Key>
      {overlays.map((each) => (
        <Key key={each.name} colour={each.colour}>
          {each.name} <b>{loss(lastOf(each.curve) ?? NaN)}</b>
        </Key>
      ))}
    </LineChart>
  );
}
