import { describe, expect, test } from 'vitest'
import { type AssignedIds, assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import { cellTree, createPlacer, type NewItem, type Placing } from '#shared/itemids/place-item.ts'
import { childrenOf, codesOf, type Trie } from '#shared/itemids/trie.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { pathOf, smallInput, smallItems } from './schemes/small-catalogue.ts'

const { vectors, width } = smallInput()

describe.each(schemes)('%s', scheme => {
  test('gives a new item an ID that no item has', () => {
    const assigned = assignItemIds(scheme, smallInput())
    const writer = new TrieWriter(buildTrie(assigned.itemIds))
    const placer = createPlacer(assigned.itemIds, assigned.placing)

    for (let n = 0; n < 40; n++) {
      const twin = twinOf(n, 60 + n)
      writer.insert(twin.number, placer.place(twin, writer.view)) // throws when the ID is taken
    }

    expect(writer.view.itemCountOf(0)).toBe(100)
    writer.close()
  })

  test('chooses the cell by the item alone, whatever was placed before', () => {
    const assigned = assignItemIds(scheme, smallInput())
    const writer = new TrieWriter(buildTrie(assigned.itemIds))
    const placer = createPlacer(assigned.itemIds, assigned.placing)
    const alone = placer.place(twinOf(13, 99), writer.view)

    for (let n = 0; n < 30; n++) {
      const other = twinOf(n, 60 + n)
      writer.insert(other.number, placer.place(other, writer.view))
    }
    const late = placer.place(twinOf(13, 99), writer.view)

    expect(late.slice(0, -1)).toEqual(alone.slice(0, -1))
    writer.close()
  })

  test('places alike after a release was written and read', () => {
    const { itemIds, placing } = assignItemIds(scheme, smallInput())
    const trie = buildTrie(itemIds)
    const { centroids, ...facts } = placing
    const read = { ...(JSON.parse(JSON.stringify(facts)) as typeof facts), centroids }

    smallItems.forEach((_, n) => {
      const item = twinOf(n, 70)
      expect(createPlacer(itemIds, read).place(item, trie)).toEqual(
        createPlacer(itemIds, placing).place(item, trie)
      )
    })
  })
})

test.each(['title', 'semantic', 'elaborative'] as const)(
  '%s places an item that is described like another with that one',
  scheme => {
    const assigned = assignItemIds(scheme, smallInput())

    smallItems.forEach((_, n) => {
      expect(place(assigned, twinOf(n, 60)).slice(0, -1)).toEqual(pathOf(assigned, n))
    })
  }
)

test('words, titles and categories that the catalogue never had are passed over', () => {
  const strange = {
    item: {
      key: 'strange',
      attributes: { title: 'Unheard lamp', categories: ['home', 'indoors', 'samovar'] },
      isVisible: true
    },
    vector: vectors.slice(0, width),
    number: 60
  }
  const pathUnder = (scheme: Scheme) =>
    place(assignItemIds(scheme, smallInput()), strange).slice(0, -1)

  expect(pathUnder('semantic')).toEqual([1, 0])
  const titled = assignItemIds('title', smallInput())
  expect(pathUnder('title')).toEqual([pathOf(titled, 0)[0], 0, 0, 0])
  expect(pathUnder('elaborative').at(-1)).toBe(0)
})

test('an item whose cell is full goes to the next one that has room', () => {
  const settings = { codesPerLevel: 12 }
  const assigned = assignItemIds('residual-kmeans', smallInput({ settings }))
  const writer = new TrieWriter(buildTrie(assigned.itemIds))
  const placer = createPlacer(assigned.itemIds, assigned.placing)

  const paths = Array.from({ length: 20 }, (_, n) => {
    const codes = placer.place(twinOf(0, 60 + n), writer.view)
    writer.insert(60 + n, codes)
    return codes.slice(0, -1).join()
  })

  expect(new Set(paths).size).toBeGreaterThan(1)
  expect(writer.view.itemCountOf(0)).toBe(80)
  writer.close()
})

test('an item for which no cell has room is refused, and the way out is named', () => {
  const settings = { codesPerLevel: 60 }
  const assigned = assignItemIds('independent', smallInput({ settings }))

  expect(() => place(assigned, twinOf(0, 60))).toThrow(/60 codes a level are too few/)
})

/** A new item that is described exactly like another. */
function twinOf(item: number, number: number): NewItem {
  return {
    item: { ...smallItems[item]!, key: `twin ${item}` },
    vector: vectors.slice(item * width, (item + 1) * width),
    number
  }
}

function place({ itemIds, placing }: AssignedIds, item: NewItem): number[] {
  return createPlacer(itemIds, placing).place(item, buildTrie(itemIds))
}

test('of many cells, the nearest ones are found as by sorting all of them, ties included', () => {
  const random = createRandom(5)
  // Few different numbers make many equal distances.
  const draw = (length: number) => Float32Array.from({ length }, () => random.integer(4))
  const paths = Int32Array.from({ length: 3000 * 3 }, () => random.integer(12))
  const itemIds = { depth: 4, codes: withLastCodes(paths, 3) }
  const cells = cellTree(itemIds)
  const placing: Placing = {
    reading: { from: 'vector' },
    lastCode: 'number',
    width: 3,
    centroids: draw(cells.parent.length * 3)
  }
  const placer = createPlacer(itemIds, placing)

  for (let n = 0; n < 200; n++) {
    const vector = draw(3)
    const codes = placer.place({ item: twinOf(0, n).item, vector, number: 9000 }, cells)
    expect(codes).toEqual([...nearestBySorting(cells, vector, placing), 9000])
  }
})

/** Each path with a last code of its own. */
function withLastCodes(paths: Int32Array, length: number): Int32Array {
  const rows = Array.from({ length: paths.length / length }, (_, row) => [
    ...paths.subarray(row * length, (row + 1) * length),
    row
  ])
  return Int32Array.from(rows.flat())
}

/** The rule as it is said: of all children of the eight nearest nodes, the eight nearest. */
function nearestBySorting(cells: Trie, vector: Float32Array, { centroids, width }: Placing) {
  const distanceOf = (node: number) =>
    vector.reduce((sum, value, d) => sum + (value - centroids[node * width + d]!) ** 2, 0)
  let nodes = [0]
  for (let level = 0; level < cells.depth; level++) {
    const children = nodes.flatMap(node => childrenOf(cells, node))
    children.sort((a, b) => distanceOf(a) - distanceOf(b) || a - b)
    nodes = children.slice(0, 8)
  }
  return codesOf(cells, nodes[0]!)
}
