// How often each value of a feature is looked up in the unified embedding. Two look-ups tell apart what
// one confuses (the 2-probe rule of Coleman et al. 2023, arXiv 2305.12102, section 5), and cost rows
// that others need: who gets the second one follows from how many values there are and how many rows.

/** What the table can hold, and what was decided beforehand. */
export interface TableBudget {
  /** Rows of the whole table. */
  readonly rows: number
  /** Look-ups for each value, by the feature's name; the rest follows from the catalogue. */
  readonly chunks?: Readonly<Record<string, number>>
}

/** Up to this many distinct values one look-up tells them apart. */
const fewValues = 100
/** Values that share a row, a mean, before a second look-up confuses more than it tells apart. */
const mostLoad = 4

/**
 * Chunks of each feature, in the given order. The features with the most values, which have the most
 * to confuse, are the first to be looked up twice, as long as the table has room for it.
 */
export function chunkCounts(
  features: readonly { readonly name: string; readonly distinct: number }[],
  { rows, chunks = {} }: TableBudget
): number[] {
  const given = (name: string) => (Object.hasOwn(chunks, name) ? chunks[name] : undefined)
  const counts = features.map(({ name }) => given(name) ?? 1)
  let room = mostLoad * rows
  features.forEach(({ distinct }, f) => {
    room -= counts[f]! * distinct
  })
  const open = features
    .map(({ name, distinct }, f) => ({ f, name, distinct }))
    .filter(({ name, distinct }) => given(name) === undefined && distinct > fewValues)
    .sort((a, b) => b.distinct - a.distinct || a.f - b.f)
  for (const { f, distinct } of open) {
    if (distinct > room) continue
    counts[f] = 2
    room -= distinct
  }
  return counts
}
