// Metrics from the places of the targets, in all and by how often training saw the target.

export interface PlaceMetrics {
  readonly targets: number
  readonly recall: Readonly<Record<5 | 10 | 20, number>>
  readonly ndcg: Readonly<Record<5 | 10 | 20, number>>
  readonly mrrAt20: number
}

/** @param places from 1, Infinity where the target is not listed; one for each target. */
export function placeMetrics(places: readonly number[]): PlaceMetrics {
  const mean = (gain: (place: number) => number) =>
    places.reduce((sum, place) => sum + gain(place), 0) / Math.max(1, places.length)
  const at = (gain: (place: number) => number) => ({
    5: mean(place => (place <= 5 ? gain(place) : 0)),
    10: mean(place => (place <= 10 ? gain(place) : 0)),
    20: mean(place => (place <= 20 ? gain(place) : 0))
  })
  return {
    targets: places.length,
    recall: at(() => 1),
    ndcg: at(place => 1 / Math.log2(1 + place)),
    mrrAt20: mean(place => (place <= 20 ? 1 / place : 0))
  }
}

/** Training clicks of a target: 0 is cold. */
export const frequencyBuckets = [
  ['cold', 0, 0],
  ['1-5', 1, 5],
  ['6-20', 6, 20],
  ['>20', 21, Number.POSITIVE_INFINITY]
] as const
export type FrequencyBucket = (typeof frequencyBuckets)[number][0]

/** Places by the bucket of their target. @param clicks training clicks of each place's target. */
export function byFrequency(
  places: readonly number[],
  clicks: readonly number[]
): Record<FrequencyBucket, PlaceMetrics> {
  return Object.fromEntries(
    frequencyBuckets.map(([name, from, to]) => [
      name,
      placeMetrics(places.filter((_, i) => clicks[i]! >= from && clicks[i]! <= to))
    ])
  ) as Record<FrequencyBucket, PlaceMetrics>
}

/** Wilson's interval of a share, 95 %: at 138 targets one more hit is .7 points. */
export function wilsonInterval(share: number, targets: number): readonly [number, number] {
  const z = 1.96
  const centre = share + z ** 2 / (2 * targets)
  const half = z * Math.sqrt((share * (1 - share)) / targets + z ** 2 / (4 * targets ** 2))
  const scale = 1 + z ** 2 / targets
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)]
}
