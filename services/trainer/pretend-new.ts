// A ranking model that knows less than it does: of some items nothing but their metadata, as if nobody
// had clicked on them yet. It shows what new items will take from known ones before there are any.
import { listNeighbours, type Neighbours } from '#shared/recommendations/neighbours.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'

type UnblendedModel = Omit<RankingModel, 'blend'>

/**
 * The model with these items as new ones: ranked by their metadata vectors, visited together with
 * nothing. The trie still leads to them as to known items, which new ones are not worse off by.
 *
 * @param metadataVectors [items, D] of all items, without their own keys.
 */
export function pretendNew(
  model: UnblendedModel,
  items: ReadonlySet<number>,
  metadataVectors: Float32Array
): UnblendedModel {
  const width = model.vectors.length / model.byPopularity.length
  const vectors = model.vectors.slice()
  for (const item of items) {
    const [from, to] = [item * width, (item + 1) * width]
    vectors.set(metadataVectors.subarray(from, to), from)
  }
  return {
    ...model,
    vectors,
    coVisitation: withoutItems(model.coVisitation, items),
    newItems: new Set([...model.newItems, ...items])
  }
}

function withoutItems(
  { starts, neighbours, similarities }: Neighbours,
  items: ReadonlySet<number>
): Neighbours {
  const rows = Array.from({ length: starts.length - 1 }, (_, a) => {
    const places = Array.from({ length: starts[a + 1]! - starts[a]! }, (_, n) => starts[a]! + n)
    return places
      .filter(place => !items.has(a) && !items.has(neighbours[place]!))
      .map(place => ({ item: neighbours[place]!, similarity: similarities[place]! }))
  })
  return listNeighbours(rows)
}
