// The time between two clicks as the model reads it.

/** Bucket of the time between two clicks: 0 for the first click, then one for each doubling of seconds. */
export function gapBucket(seconds: number | undefined, gapBuckets: number): number {
  if (seconds === undefined) return 0
  return Math.min(gapBuckets - 1, 1 + Math.floor(Math.log2(1 + Math.max(0, seconds))))
}
