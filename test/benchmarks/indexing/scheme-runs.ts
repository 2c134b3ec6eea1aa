// Made-up runs of a scheme, for the tests of the comparison.
import { byFrequency, placeMetrics } from '../quality/place-metrics.ts'
import type { SchemeRun } from './measure-scheme.ts'

/** @param places of the targets, the same for the generator and the final ranking. */
export function runWith(places: readonly number[]): SchemeRun {
  const clicks = places.map(() => 3)
  const quality = { all: placeMetrics(places), byFrequency: byFrequency(places, clicks) }
  return {
    generator: quality,
    final: quality,
    tokens: 3,
    depth: 3,
    vocabulary: 80,
    duplicates: 0,
    cells: '3 abc',
    assignSeconds: 1,
    trainSeconds: 2,
    beamCalls: 54,
    exactCalls: 20,
    placeMicroseconds: 90,
    cold: { items: 5, targets: 7, recallAt10: 0.1, firstOfCold: 0.2 }
  }
}
