// What a shop could do without a model of sessions: the items whose metadata vectors are nearest, by the
// encoder of a release.
import type { Item } from '#shared/catalog/item.ts'
import { openItemEncoder } from '#shared/recommendations/item-encoder.ts'
import { loadSharedModel } from '#shared/recommendations/load-shared-model.ts'

/** The `count` items nearest to an item, itself not among them, by the cosine of metadata vectors. */
export type Nearest = (key: string, count: number, among?: (key: string) => boolean) => string[]

export async function nearestItems(location: string, items: readonly Item[]): Promise<Nearest> {
  const { parts } = await loadSharedModel(location, { seats: 1 })
  const { width } = parts.config
  const encoder = await openItemEncoder(parts)
  const vectors = new Float32Array(items.length * width)
  for (let start = 0; start < items.length; start += 1000) {
    const part = items.slice(start, start + 1000).map(item => ({ item, hasKey: false }))
    vectors.set(await encoder.encode(part), start * width)
  }
  await encoder.close()
  for (let i = 0; i < items.length; i++) {
    const vector = vectors.subarray(i * width, (i + 1) * width)
    const length = Math.hypot(...vector) || 1
    for (let d = 0; d < width; d++) vector[d]! /= length
  }
  const places = new Map(items.map(({ key }, i) => [key, i]))
  const cosine = (a: number, b: number) => {
    let sum = 0
    for (let d = 0; d < width; d++) sum += vectors[a * width + d]! * vectors[b * width + d]!
    return sum
  }
  return (key, count, among = () => true) => {
    const place = places.get(key)!
    return items
      .map((item, i) => ({ key: item.key, near: cosine(place, i) }))
      .filter(({ key: other }) => other !== key && among(other))
      .sort((a, b) => b.near - a.near)
      .slice(0, count)
      .map(({ key: other }) => other)
  }
}
