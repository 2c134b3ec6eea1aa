// A session as the numbers that the model reads. Training, evaluation and live answers all come
// through here.
import { gapBucket } from '#shared/model/gap-bucket.ts'
import { type Click, clickTypes } from '#shared/sessions/session.ts'
import type { ItemIndex } from './item-keys.ts'

/** One number for each click that names a known item, oldest first. */
export interface SessionInput {
  /** Place of the item in the release's catalogue. */
  readonly items: Int32Array
  /** Place of the click's type in clickTypes. */
  readonly types: Int32Array
  /** Bucket of the time since the click before, see gapBucket. */
  readonly gaps: Int32Array
}

/** Clicks on items that the catalogue does not know are left out; the result may be empty. */
export function sessionInput(
  clicks: readonly Click[],
  itemIndex: ItemIndex,
  gapBuckets: number
): SessionInput {
  const known: Click[] = []
  const items: number[] = []
  for (const click of clicks) {
    const item = itemIndex.get(click.itemKey)
    if (item === undefined) continue
    known.push(click)
    items.push(item)
  }
  return {
    items: Int32Array.from(items),
    types: Int32Array.from(known, click => clickTypes.indexOf(click.type)),
    gaps: Int32Array.from(known, (click, i) => {
      const seconds = i > 0 ? (click.at - known[i - 1]!.at) / 1000 : undefined
      return gapBucket(seconds, gapBuckets)
    })
  }
}

/** What a model reads that takes so many clicks at most. */
export function newestOf(input: SessionInput, maxLength: number): SessionInput {
  const length = input.items.length
  return partOf(input, Math.max(0, length - maxLength), length)
}

/**
 * Clicks `start` to `end`. The first one of a part has no click before it, as at the start of a
 * session, so that a long session cut to its newest clicks looks the same wherever it is cut.
 */
export function partOf(input: SessionInput, start: number, end: number): SessionInput {
  const gaps = input.gaps.slice(start, end)
  if (gaps.length > 0) gaps[0] = 0
  return { items: input.items.slice(start, end), types: input.types.slice(start, end), gaps }
}
