import { describe, expect, test } from 'vitest'
import { type AssignedIds, assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import { cellTree, createPlacer, type NewItem, type Placing } from '#shared/itemids/place-item.ts'
import { childrenOf, codesOf, type Trie } from '#shared/itemids/trie.ts'
import { TrieOverlay } from '#shared/itemids/trie-overlay.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { pathOf, smallInput, smallItems } from './schemes/small-catalogue.ts'

const { metadataVectors: vectors, width } = smallInput()

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

test('past the eight nearest cells, the others are filled, each before a farther one', () => {
  const assigned = assignItemIds('residual-kmeans', smallInput({ settings: { branching: 20 } }))
  const limit = assigned.itemIds.levelSizes.at(-1)!
  const placing = { ...assigned.placing, codesPerLevel: limit }
  const overlay = new TrieOverlay(buildTrie(assigned.itemIds))
  const placer = createPlacer(assigned.itemIds, placing)
  const cells = cellTree(assigned.itemIds)
  const room = cells.item.length * limit - smallItems.length

  const paths = Array.from({ length: room }, (_, n) => {
    const codes = placer.place(twinOf(0, 60 + n), overlay)
    overlay.apply({ kind: 'insert', item: 60 + n, codes })
    return codes.slice(0, -1).join()
  })

  expect(cells.item.length).toBeGreaterThan(8)
  expect(new Set(paths).size).toBeGreaterThan(8)
  expect(overlay.itemCountOf(0)).toBe(cells.item.length * limit)
  const distances = distancesTo(cells, vectors.subarray(0, width), placing)
  const late = [...new Set(paths)].slice(8).map(path => distances.get(path)!)
  expect(late).toEqual(late.toSorted((a, b) => a - b))
  expect(() => placer.place(twinOf(0, 9999), overlay)).toThrow(`${limit} codes a level are too few`)
})

test('a code that was freed is given again when no larger one is left', () => {
  const settings = { codesPerLevel: 10 }
  const assigned = assignItemIds('semantic', smallInput({ settings }))
  const overlay = new TrieOverlay(buildTrie(assigned.itemIds))
  const placer = createPlacer(assigned.itemIds, assigned.placing)
  const idOf = (item: number) => assigned.itemIds.codes.slice(item * 3, (item + 1) * 3)

  for (const item of [12, 24]) overlay.apply({ kind: 'remove', item, codes: [] })
  const placed = [60, 61].map(number => {
    const codes = placer.place(twinOf(0, number), overlay)
    overlay.apply({ kind: 'insert', item: number, codes })
    return codes
  })

  expect(placed).toEqual([[...idOf(12)], [...idOf(24)]])
  expect(() => placer.place(twinOf(0, 62), overlay)).toThrow(/finds no room/)
})

test('an item whose words say its cell is refused when that is full, though others have room', () => {
  const settings = { codesPerLevel: 10 }
  const assigned = assignItemIds('semantic', smallInput({ settings }))
  const overlay = new TrieOverlay(buildTrie(assigned.itemIds))
  overlay.apply({ kind: 'remove', item: 1, codes: [] })

  expect(() =>
    createPlacer(assigned.itemIds, assigned.placing).place(twinOf(0, 60), overlay)
  ).toThrow(
    'item twin 0 finds no room: 10 codes a level are too few for the items of its own codes, 1 2;'
  )
})

test('to find the next code of a cell, its items are not listed', () => {
  class Unlisted extends TrieOverlay {
    override readChildren(): never {
      throw new Error('listed')
    }
  }
  const assigned = assignItemIds('semantic', smallInput())
  const overlay = new Unlisted(buildTrie(assigned.itemIds))
  const placer = createPlacer(assigned.itemIds, assigned.placing)

  const lastCodes = [60, 61, 62].map(number => {
    const codes = placer.place(twinOf(0, number), overlay)
    overlay.apply({ kind: 'insert', item: number, codes })
    return codes.at(-1)
  })
  overlay.apply({ kind: 'remove', item: 62, codes: [] })

  expect(lastCodes).toEqual([10, 11, 12])
  expect(placer.place(twinOf(0, 63), overlay).at(-1)).toBe(12)
})

describe('semantic+collaborative', () => {
  const categorised = (i: number) => (i === 58 ? ['home', 'alone'] : ['home', 'indoors', 'lamp'])
  const items = smallItems.map((item, i) =>
    i < 50 ? item : { ...item, attributes: { categories: categorised(i) } }
  )

  test('an item that is alone in its category keeps it, and there is nothing more', () => {
    const assigned = assignItemIds('semantic+collaborative', smallInput({ items }))
    const semantic = assignItemIds('semantic', smallInput({ items }))

    const [first, second, ...rest] = pathOf(assigned, 58)

    expect([first, second]).toEqual(pathOf(semantic, 58))
    expect(new Set(rest)).toEqual(new Set([0]))
    expect(pathOf(assigned, 59).slice(0, 2)).toEqual(pathOf(semantic, 59))
    expect(pathOf(assigned, 59)[2]).toBeGreaterThan(0) // others of its category were visited
  })

  test('so does a new one, next to it', () => {
    const assigned = assignItemIds('semantic+collaborative', smallInput({ items }))
    const twin = { ...twinOf(58, 60), item: { ...items[58]!, key: 'twin' } }

    expect(place(assigned, twin)).toEqual([...pathOf(assigned, 58), 1])
  })

  test('so does a new one of a category between two that the catalogue has', () => {
    const assigned = assignItemIds('semantic+collaborative', smallInput())
    const item = { key: 'new', attributes: { categories: ['home', 'indoors'] }, isVisible: true }

    const path = place(assigned, { ...twinOf(0, 60), item }).slice(0, -1)

    expect(path).toEqual([1, ...new Array(path.length - 1).fill(0)])
  })
})

test('an item for which no cell has room is refused, and the way out is named', () => {
  const settings = { codesPerLevel: 60 }
  const assigned = assignItemIds('independent', smallInput({ settings }))

  expect(() => place(assigned, twinOf(0, 60))).toThrow(/60 codes a level are too few/)
})

/** Squared, of each cell's path. */
function distancesTo(cells: Trie, vector: Float32Array, { centroids }: Placing) {
  const leaves = Array.from(cells.item, (_, place) => cells.itemCount.length + place)
  return new Map(
    leaves.map(leaf => [
      codesOf(cells, leaf).join(),
      vector.reduce((sum, value, d) => sum + (value - centroids[leaf * width + d]!) ** 2, 0)
    ])
  )
}

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
