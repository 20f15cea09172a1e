/** Where gates start. */

/** Bias of a gate at the start: γ = 0.999. */
export const gateBias = 6.906768;

/** Bias at which a vector gate starts, so that all dimensions together forget as a scalar gate does: α = γ^{1/p}. */
export function vectorGateBias(power: number): number {
  const alpha = (1 / (1 + Math.exp(-gateBias))) ** (1 / power);
  return Math.log(alpha / (1 - alpha));
}
