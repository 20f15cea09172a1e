/** How frequencies are lowered for contexts longer than those that a model was first trained with. */
export type RopeScaling =
  | 'none'
  /** All by one factor: positions are interpolated (arXiv 2306.15595). */
  | { readonly kind: 'linear'; readonly factor: number }
  /**
   * By the factor where a turn takes more than `context / lowTurns` tokens, not at all where it takes less than `context / highTurns`,
   * and by what lies between in between: as Llama 3.1.
   */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowTurns: number;
      readonly highTurns: number;
      /** Tokens of the contexts before. */
      readonly context: number;
    };

/** A frequency, lowered. */
export function scaled(theta: number, scaling: RopeScaling): number {
  if (scaling === 'none') return theta;
  if (scaling.kind === 'linear') return theta / scaling.factor;
  const { factor, lowTurns, highTurns, context } = scaling;
  const turns = (context * theta) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (turns - lowTurns) / (highTurns - lowTurns)));
  return kept * theta + ((1 - kept) * theta) / factor;
}

/** Whether a scaling is one that there is, with numbers that can be. */
export function isRopeScaling(scaling: unknown): scaling is RopeScaling {
  if (scaling === 'none') return true;
  const { kind, factor, lowTurns, highTurns, context } = (scaling ?? {}) as Record<string, unknown>;
  const above = (value: unknown, least: number) => typeof value === 'number' && value > least && value < Infinity;
  if (!above(factor, 0)) return false;
  if (kind === 'linear') return true;
  return kind === 'llama3' && above(lowTurns, 0) && above(highTurns, lowTurns as number) && above(context, 0);
}
