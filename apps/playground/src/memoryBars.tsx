// Two bars, one of which grows: what a model remembers in, and keys and values of softmax attention.

import { bytes } from './units';

export interface Amount {
  readonly says: string;
  readonly kind: 'own' | 'cache';
  readonly bytes: number | undefined;
}

export function MemoryBars({ label, amounts }: { label: string; amounts: readonly Amount[] }) {
  const most = Math.max(1, ...amounts.map((each) => each.bytes ?? 0));
  return (
    <div class="memory" role="group" aria-label={label}>
      {amounts.map(({ says, kind, bytes: amount }) => (
        <div key={kind} class={`bar ${kind}`}>
          <span>{says}</span>
          <span class="track" aria-hidden="true">
            <i style={{ width: `${(100 * (amount ?? 0)) / most}%` }} />
          </span>
          <b>{amount === undefined ? '–' : bytes(amount)}</b>
        </div>
      ))}
    </div>
  );
}
