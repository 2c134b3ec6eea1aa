// Item IDs written out in a test.
import type { ItemIds } from '#shared/itemids/item-ids.ts'

/** @param ids at least one; item i has ids[i]. */
export function idsOf(ids: readonly (readonly number[])[]): ItemIds {
  const depth = ids[0]!.length
  const levelSizes = ids[0]!.map((_, level) => 1 + Math.max(...ids.map(codes => codes[level]!)))
  return { scheme: 'residual-kmeans', depth, levelSizes, codes: Int32Array.from(ids.flat()) }
}
