// Warm-up, then a cosine down to 2 % of the peak (recipe measured on Beauty: 2 warm-up epochs of 20).

/** @param progress share of the steps done, in [0, 1]. */
export function learningRateAt(progress: number, peak: number, warmUp = 0.1): number {
  if (progress < warmUp) return (peak * progress) / warmUp + peak * 1e-3
  const cosine = (1 + Math.cos((Math.PI * (progress - warmUp)) / (1 - warmUp))) / 2
  return peak * (0.02 + 0.98 * cosine)
}
