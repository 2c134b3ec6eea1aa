// The schemes whose codes can be read: title, semantic, elaborative.
import { describe, expect, test } from 'vitest'
import type { Item } from '#shared/catalog/item.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import { codeName } from '#shared/itemids/read-path.ts'
import { createRandom } from '#shared/runtime/random.ts'

describe('title', () => {
  test('reads the first four words in their order', () => {
    const items = [titled('a', 'Red oak table for six'), titled('b', 'Red lamp'), titled('c', '')]

    expect(namesOf('title', items)).toEqual([['red', 'oak', 'table', 'for'], ['red', 'lamp'], []])
  })

  test('reads names where there are no titles', () => {
    const items = [item('a', { name: 'Lamp' }), item('b', { name: 'Chair' })]

    expect(namesOf('title', items)).toEqual([['lamp'], ['chair']])
  })
})

test('titles without a letter or a digit are no titles', () => {
  expect(() => assign('title', [titled('a', '---'), titled('b', '!')])).toThrow(/with a word/)
  expect(namesOf('title', [titled('a', '---'), item('b', { name: 'Lamp' })])).toEqual([
    [],
    ['lamp']
  ])
})

describe('semantic', () => {
  test('has a code for each place in the category tree, not for each name', () => {
    const items = [
      item('a', { categories: ['home', 'garden', 'chairs'] }),
      item('b', { categories: ['home', 'kitchen', 'chairs'] }),
      item('c', { categories: ['home', 'kitchen'] }),
      item('d', { categories: 'home' })
    ]

    const { itemIds } = assign('semantic', items)

    expect(namesOf('semantic', items)).toEqual([
      ['garden', 'chairs'],
      ['kitchen', 'chairs'],
      ['kitchen'],
      []
    ])
    expect(itemIds.codes[1]).not.toBe(itemIds.codes[4]) // chairs of the garden, of the kitchen
  })

  test('leaves out the level that is the same for all, and keeps one that only some have', () => {
    const items = [item('a', { categories: ['shop', 'new'] }), item('b', { categories: ['shop'] })]

    expect(namesOf('semantic', items)).toEqual([['new'], []])
  })
})

describe('elaborative', () => {
  test('chooses the rarest words that others share, the most general first', () => {
    const items = Array.from({ length: 16 }, (_, i) =>
      item(`i${i}`, {
        title: `${i < 12 ? 'furniture' : 'toy'} ${i % 4 === 0 ? 'oak' : 'pine'} unique${i}`,
        colour: i % 2 === 0 ? 'red' : 'blue'
      })
    )

    const names = namesOf('elaborative', items)

    expect(names[0]).toEqual(['furniture', 'red', 'oak']) // of 12, 8 and 4 items
    expect(names[12]).toEqual(['red', 'toy', 'oak']) // of 8, 4 and 4
  })

  test('reads every attribute but numbers', () => {
    const items = [item('a', { price: 7, tags: ['sale', 'new'] }), item('b', { tags: ['sale'] })]

    const words = namesOf('elaborative', items)

    expect(words[0]).toContain('new')
    expect(words.flat()).not.toContain('7')
  })
})

function titled(key: string, title: string): Item {
  return item(key, { title })
}

function item(key: string, attributes: Item['attributes']): Item {
  return { key, attributes, isVisible: true }
}

function assign(scheme: Scheme, items: readonly Item[]) {
  const vectors = new Float32Array(items.length)
  return assignItemIds(scheme, {
    items,
    sessions: [],
    width: 1,
    vectors,
    metadataVectors: vectors,
    random: createRandom(1)
  })
}

/** What the codes of each item's path say. */
function namesOf(scheme: Scheme, items: readonly Item[]): string[][] {
  const { itemIds, placing } = assign(scheme, items)
  return items.map((_, i) => {
    const path = itemIds.codes.subarray(i * itemIds.depth, (i + 1) * itemIds.depth - 1)
    return Array.from(path).flatMap((code, level) => codeName(placing.reading, level, code) ?? [])
  })
}
