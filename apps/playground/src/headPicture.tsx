// How one head works, as a small moving picture: a key, φ of it, the state that it is added to, and a query that is answered.

import { Random } from '@sympow/core';
import { embed, embeddedSize, multiIndices } from '@sympow/embedding';
import { useEffect, useMemo, useState } from 'preact/hooks';

const words = ['Ada', 'had', 'a', 'red', 'lamp'];
/** Numbers of a value, the power, and what stays of the state at every token. */
const [e, p, gamma] = [3, 2, 0.9];
const frames = 4;
const milliseconds = 2600;

interface Scene {
  readonly key: Float64Array;
  readonly features: Float64Array;
  readonly value: Float64Array;
  /** [D, e], with this token. */
  readonly state: Float64Array;
  readonly query: Float64Array;
  /** φ(q) times the state, and the sum over all tokens so far. */
  readonly answer: number;
  readonly sum: number;
}

/** All tokens of the picture, for keys of d numbers. */
export function scenesOf(d: number): Scene[] {
  const random = new Random(5, `picture ${d}`);
  const draw = (size: number) => {
    const numbers = new Float64Array(size);
    random.fillNormal(numbers, 0.75);
    return numbers.map((x) => Math.max(-1.2, Math.min(1.2, x)));
  };
  const D = embeddedSize(d, p);
  let state = new Float64Array(D * e);
  const past: { key: Float64Array; value: Float64Array }[] = [];
  return words.map(() => {
    const [key, value, query] = [draw(d), draw(e), draw(d)];
    const features = embed(key, { power: p });
    state = state.map((x, i) => gamma * x + features[Math.floor(i / e)]! * value[i % e]!);
    past.push({ key, value });
    const asked = embed(query, { power: p });
    const answer = asked.reduce((sum, x, i) => sum + x * state[i * e]!, 0);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    const sum = past.reduce(
      (all, each, j) => all + gamma ** (past.length - 1 - j) * dot(query, each.key) ** p * each.value[0]!,
      0,
    );
    return { key, features, value, state, query, answer, sum };
  });
}

const subscripts = '₁₂₃₄';

/** `k₁²`, `k₁k₂`. */
function labelsOf(d: number, letter: string): string[] {
  const indices = multiIndices(d, p);
  return Array.from({ length: embeddedSize(d, p) }, (_, row) => {
    const [i, j] = [subscripts[indices[row * p]!]!, subscripts[indices[row * p + 1]!]!];
    return i === j ? `${letter}${i}²` : `${letter}${i}${letter}${j}`;
  });
}

function says(frame: number, d: number, at: number, { answer, sum }: Scene): string {
  const D = embeddedSize(d, p);
  const word = `“${words[at]!}”`;
  return [
    `${word} has a key k of ${d} numbers and a value v of ${e}.`,
    `φ makes ${D} numbers of the key: all products of two of its numbers.`,
    `The state fades to γ = ${gamma}, and φ(k) times v is added. It has ${D * e} numbers, after ${at === 0 ? 'one token' : `${at + 1} tokens`} and after a million.`,
    `A query q asks: φ(q) times the state answers ${answer.toFixed(2)}. The sum of (q·k)² times v over all past tokens, faded, is ${sum.toFixed(2)}: the same, but it would have to keep them all.`,
  ][frame]!;
}

const ink = (value: number) =>
  `color-mix(in srgb, var(${value < 0 ? '--cache' : '--held'}) ${Math.round(100 * Math.min(1, Math.abs(value)))}%, var(--cold))`;

/** Numbers as cells, from (x, y) down or along. */
function Cells(props: {
  x: number;
  y: number;
  numbers: ArrayLike<number>;
  columns?: number;
  size?: number;
  on?: boolean;
}) {
  const { x, y, numbers, columns = 1, size = 20, on = true } = props;
  return (
    <g class="cells" opacity={on ? 1 : 0.18}>
      {Array.from(numbers, (value, i) => (
        <rect
          key={i}
          {...{ x: x + (i % columns) * size, y: y + Math.floor(i / columns) * size, width: size - 2, height: size - 2 }}
          rx={3}
          style={{ fill: ink(value) }}
        />
      ))}
    </g>
  );
}

export function HeadPicture() {
  const still = useMemo(() => matchMedia('(prefers-reduced-motion: reduce)').matches, []);
  const [d, setD] = useState(3);
  const [step, setStep] = useState(0);
  const [plays, setPlays] = useState(!still);
  const scenes = useMemo(() => scenesOf(d), [d]);
  const total = words.length * frames;
  useEffect(() => {
    if (!plays) return;
    const timer = setInterval(() => setStep((now) => (now + 1) % total), milliseconds);
    return () => clearInterval(timer);
  }, [plays, total]);
  const [at, frame] = [Math.floor(step / frames), step % frames];
  const scene = scenes[at]!;
  const before = at > 0 ? scenes[at - 1]!.state : scene.state.map(() => 0);
  const asks = frame === 3;
  const D = embeddedSize(d, p);
  const vector = asks ? scene.query : scene.key;
  const letter = asks ? 'q' : 'k';
  const top = 66;
  const features = asks ? embed(scene.query, { power: p }) : scene.features;
  const answer = asks ? [scene.answer] : [];
  return (
    <>
      <h2>How one head works</h2>
      <p class="words" aria-hidden="true">
        {words.map((word, i) => (
          <span key={word} class={i === at ? 'chosen' : i < at ? 'past' : ''}>
            {word}
          </span>
        ))}
      </p>
      <svg class="picture" viewBox={`0 0 330 ${top + D * 20 + 8}`} aria-hidden="true">
        <g class="labels">
          <text x={11} y={top - 10}>
            {letter}
          </text>
          <text x={120} y={top - 10}>
            φ({letter})
          </text>
          <text x={230} y={top - 10}>
            state
          </text>
          {frame < 3 && (
            <text x={188} y={19}>
              v
            </text>
          )}
        </g>
        <Cells x={2} y={top} numbers={vector} />
        <path class="arrow" d={`M 34 ${top + 9} h 26 m -5 -5 l 5 5 l -5 5`} opacity={frame >= 1 ? 1 : 0.18} />
        <g class="labels small" opacity={frame >= 1 ? 1 : 0.18}>
          {labelsOf(d, letter).map((label, i) => (
            <text key={label} x={103} y={top + 14 + i * 20} text-anchor="end">
              {label}
            </text>
          ))}
        </g>
        <Cells x={112} y={top} numbers={features} on={frame >= 1} />
        <path class="arrow" d={`M 146 ${top + 9} h 36 m -5 -5 l 5 5 l -5 5`} opacity={frame >= 2 ? 1 : 0.18} />
        <Cells x={200} y={top} numbers={frame >= 2 ? scene.state : before} columns={e} />
        {frame < 3 && <Cells x={200} y={6} numbers={scene.value} columns={e} on={frame === 0 || frame === 2} />}
        {answer.length > 0 && (
          <>
            <path class="arrow" d={`M 266 ${top + 9} h 24 m -5 -5 l 5 5 l -5 5`} />
            <Cells x={300} y={top} numbers={answer} />
            <g class="labels">
              <text x={309} y={top - 10}>
                answer
              </text>
            </g>
          </>
        )}
      </svg>
      <p class="caption" aria-live={plays ? 'off' : 'polite'}>
        {says(frame, d, at, scene)}
      </p>
      <div class="buttons">
        <button type="button" onClick={() => setPlays(!plays)}>
          {plays ? 'Pause' : 'Play'}
        </button>
        <button
          type="button"
          onClick={() => {
            setPlays(false);
            setStep((step + 1) % total);
          }}
        >
          Next step
        </button>
        <label class="inline">
          Numbers of a key{' '}
          <select
            value={String(d)}
            onChange={(event) => {
              setD(Number(event.currentTarget.value));
              setStep(0);
            }}
          >
            {[2, 3, 4].map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </div>
    </>
  );
}
