import { describe, expect, test } from 'vitest'
import { readBags, readsOf } from '#services/trainer/item-table.ts'
import { embedBags, type Lookups } from '#shared/model/unified-embedding.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { tinyConfig, tinyLookups } from '#test/support/tiny-model.ts'

const [itemCount, width] = [9, tinyConfig.rowWidth]
const lookups = tinyLookups(itemCount)
const set = {
  metadata: lookups.metadata,
  key: lookups.key,
  columns: tinyConfig.columns,
  itemKeys: Array.from({ length: itemCount }, (_, i) => `item ${i}`)
}
const random = createRandom(1)
const table = normals(lookups.rows.length * width)
const items = Int32Array.of(7, 2, 3)
const embed = (some: Lookups) => embedBags(table, width, some)

describe('what a step reads of the table', () => {
  test('is for each item what the whole catalogue reads for it', () => {
    const all = readBags(embed, readsOf(set, Int32Array.from(set.itemKeys.keys())), itemCount)
    const some = readBags(embed, readsOf(set, items), items.length)

    for (const part of ['metadata', 'key'] as const) {
      const columns = part === 'metadata' ? tinyConfig.columns * width : tinyConfig.width
      expect(some[part].shape).toEqual([3, columns])
      const expected = [...items].flatMap(item =>
        Array.from(all[part].values.subarray(item * columns, (item + 1) * columns))
      )
      expect(Array.from(some[part].values)).toEqual(expected)
    }
  })

  test('names each of its rows once', () => {
    const { rows, metadata, key } = readsOf(set, items)

    expect([...rows]).toEqual([...new Set([...metadata.rows, ...key.rows])].sort((a, b) => a - b))
    expect(rows.length).toBeLessThan(lookups.rows.length)
  })
})

function normals(length: number): Float32Array {
  return Float32Array.from({ length }, () => random.normal())
}
