// A text with a heat map over each of its lines: one strip for each head, one cell for each token.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Strip {
  readonly name: string;
  /** 0 to 1 for each token; NaN where there is nothing to show. */
  readonly heat: ArrayLike<number>;
}

interface Props {
  readonly tokens: readonly string[];
  readonly strips: readonly Strip[];
  readonly chosen: number;
  readonly onChoose: (token: number) => void;
  readonly label: string;
}

/** Pixels of a token, and of the names of the strips. */
const [cell, gutter] = [13, 34];

const shownAs = (token: string) => (token === '\n' ? '↵' : token === ' ' ? ' ' : token);

/** Cells side by side, as one picture. */
function gradient(heat: ArrayLike<number>, from: number, to: number): string {
  const stops: string[] = [];
  for (let i = from; i < to; i++) {
    const share = Number.isFinite(heat[i]) ? Math.round(100 * Math.max(0, Math.min(1, heat[i]!))) : 0;
    const ink = `color-mix(in srgb, var(--heat) ${share}%, var(--cold))`;
    stops.push(`${ink} ${(i - from) * cell}px ${(i - from + 1) * cell}px`);
  }
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

export function TokenMap({ tokens, strips, chosen, onChoose, label }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(24);
  useLayoutEffect(() => {
    const fit = () => setColumns(Math.max(8, Math.floor((place.current!.clientWidth - gutter) / cell)));
    fit();
    const resized = new ResizeObserver(fit);
    resized.observe(place.current!);
    return () => resized.disconnect();
  }, []);
  const lines = Array.from({ length: Math.ceil(tokens.length / columns) }, (_, i) => i * columns);
  return (
    <div class="tokens" ref={place} role="img" aria-label={label}>
      {lines.map((from) => {
        const to = Math.min(tokens.length, from + columns);
        return (
          <div key={from} class="line" aria-hidden="true">
            {strips.map(({ name, heat }) => (
              <div key={name} class="strip">
                <small>{name}</small>
                <i style={{ width: `${(to - from) * cell}px`, background: gradient(heat, from, to) }} />
              </div>
            ))}
            <div class="strip">
              <small />
              {tokens.slice(from, to).map((token, i) => (
                <span key={i} class={from + i === chosen ? 'chosen' : ''} onClick={() => onChoose(from + i)}>
                  {shownAs(token)}
                </span>
              ))}
            </div>
          </div>
        );
      })}
    </div>
  );
}
