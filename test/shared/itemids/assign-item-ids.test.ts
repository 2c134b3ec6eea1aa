import { describe, expect, test } from 'vitest'
import { buildTrainingSet } from '#services/trainer/training-set.ts'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { schemes } from '#shared/itemids/item-ids.ts'
import { cellTree } from '#shared/itemids/place-item.ts'
import { codesOf } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { cutSessions, type SessionEvent } from '#shared/sessions/cut-sessions.ts'
import { shopEvents, shopItems, smallRecipe } from '#test/support/small-shop.ts'
import { firstItems, pathOf, smallInput, smallItems } from './schemes/small-catalogue.ts'

describe.each(schemes)('%s', scheme => {
  test('gives every item an ID of its own within its vocabulary', () => {
    const { itemIds } = assignItemIds(scheme, smallInput())

    const trie = buildTrie(itemIds) // throws when two items share an ID

    expect(trie.itemCountOf(0)).toBe(smallItems.length)
    expect(itemIds.levelSizes).toHaveLength(itemIds.depth)
    itemIds.codes.forEach((code, at) => {
      expect(code).toBeGreaterThanOrEqual(0)
      expect(code).toBeLessThan(itemIds.levelSizes[at % itemIds.depth]!)
    })
  })

  test('gives the same IDs for the same seed', () => {
    const assigned = () => assignItemIds(scheme, smallInput({ random: createRandom(9) }))

    expect(assigned()).toEqual(assigned())
  })

  test('leaves what it reads as it was', () => {
    const input = smallInput()

    assignItemIds(scheme, input)

    expect({ ...input, random: undefined }).toEqual({ ...smallInput(), random: undefined })
  })

  test('has a single item under one ID, or says what it misses', () => {
    const assigned = () => assignItemIds(scheme, firstItems(1)).itemIds.codes.length

    if (scheme === 'residual-kmeans-collaborative') expect(assigned).toThrow(/two different items/)
    else expect(assigned()).toBeGreaterThan(0)
  })

  test('changes nothing when held-out events are moved to other items', () => {
    const split = (events: readonly SessionEvent[]) =>
      splitByTime(cutSessions(events, { gapMinutes: 30 }), { validationDays: 4, testDays: 4 })
    const events = shopEvents({ days: 30, sessionsPerDay: 10, seed: 1 })
    const heldOut = split(events).validationFrom
    const moved = events.map(event =>
      event.occurredAt.getTime() < heldOut ? event : { ...event, itemKey: shopItems[0]!.key }
    )
    const idsOf = (sessions: ReturnType<typeof split>) => {
      const named = shopItems.map(item => ({
        ...item,
        attributes: { ...item.attributes, title: `name of ${item.key}` }
      }))
      const set = buildTrainingSet(named, sessions, smallRecipe)
      const vectors = Float32Array.from({ length: 4 * named.length }, createRandom(2).normal)
      return assignItemIds(scheme, {
        items: set.items,
        sessions: set.training.map(({ items }) => items),
        width: 4,
        vectors,
        metadataVectors: vectors,
        random: createRandom(1)
      })
    }

    expect(split(moved).test).not.toEqual(split(events).test)
    expect(idsOf(split(moved))).toEqual(idsOf(split(events)))
  })

  test('refuses an empty catalogue', () => {
    expect(() => assignItemIds(scheme, firstItems(0))).toThrow(/catalogue is empty/)
  })

  test('refuses a key that occurs twice, and names it', () => {
    const items = [...smallItems.slice(1), smallItems[7]!]

    expect(() => assignItemIds(scheme, smallInput({ items }))).toThrow(/item 7 occurs twice/)
  })

  test('refuses more items than its codes can name', () => {
    const settings = { codesPerLevel: 2, branching: 2 }

    expect(() => assignItemIds(scheme, smallInput({ settings }))).toThrow(
      /does not fit the code space|finds no room/
    )
  })
})

test.each([
  'sequential-time',
  'collaborative',
  'residual-kmeans',
  'residual-kmeans-collaborative'
] as const)('%s gives an item without clicks the cell of items that are like it', scheme => {
  const assigned = assignItemIds(scheme, smallInput())

  const path = pathOf(assigned, 58)

  const group = smallItems.flatMap((_, i) => (i % 6 === 58 % 6 && i !== 58 ? [i] : []))
  expect(group.map(item => pathOf(assigned, item))).toContainEqual(path)
})

test('an item that only held-out sessions have is one without a click', () => {
  const heldOut = 7
  const [seen, without] = [
    smallInput().sessions.map(session => session.filter(item => item !== heldOut)),
    smallInput().sessions.filter(session => !session.includes(heldOut))
  ]

  for (const scheme of ['sequential-time', 'collaborative', 'residual-kmeans'] as const) {
    for (const sessions of [seen, without]) {
      const assigned = assignItemIds(scheme, smallInput({ sessions }))
      const group = smallItems.flatMap((_, i) =>
        i % 6 === heldOut % 6 && i !== heldOut ? [i] : []
      )
      expect(group.map(item => pathOf(assigned, item))).toContainEqual(pathOf(assigned, heldOut))
    }
  }
})

test('residual-kmeans-metadata reads the vectors of the metadata alone, residual-kmeans the trained ones', () => {
  const noise = Float32Array.from({ length: 60 * 8 }, createRandom(3).normal)
  const pathsOf = (scheme: 'residual-kmeans' | 'residual-kmeans-metadata', changes = {}) => {
    const sessions = [Int32Array.from(smallItems.keys())]
    const assigned = assignItemIds(scheme, smallInput({ sessions, ...changes }))
    return smallItems.map((_, item) => pathOf(assigned, item))
  }

  const metadata = pathsOf('residual-kmeans-metadata')
  expect(pathsOf('residual-kmeans-metadata', { vectors: noise })).toEqual(metadata)
  expect(pathsOf('residual-kmeans-metadata', { metadataVectors: noise })).not.toEqual(metadata)
  const trained = pathsOf('residual-kmeans')
  expect(pathsOf('residual-kmeans', { metadataVectors: noise })).toEqual(trained)
  expect(pathsOf('residual-kmeans', { vectors: noise })).not.toEqual(trained)
})

test.each(['collaborative', 'residual-kmeans', 'semantic+collaborative'] as const)(
  '%s keeps the mean metadata vector of each node of its cells',
  scheme => {
    const alone = (i: number) => ({ categories: ['home', i === 58 ? 'alone' : 'indoors', 'x'] })
    const items = smallItems.map((item, i) => (i < 50 ? item : { ...item, attributes: alone(i) }))
    const { metadataVectors, width } = smallInput()

    const { itemIds, placing } = assignItemIds(scheme, smallInput({ items }))

    const cells = cellTree(itemIds)
    expect(placing.centroids).toHaveLength(cells.parent.length * width)
    for (let node = 0; node < cells.parent.length; node++) {
      const path = codesOf(cells, node)
      const below = items.flatMap((_, i) =>
        path.every((code, level) => itemIds.codes[i * itemIds.depth + level] === code) ? [i] : []
      )
      const mean = below.reduce((sum, i) => sum + metadataVectors[i * width]! / below.length, 0)
      expect(placing.centroids[node * width]).toBeCloseTo(mean, 4)
    }
  }
)

test.each([
  { branching: 0 },
  { branching: 1.5 },
  { clusterSize: -3 },
  { words: Number.NaN },
  { codesPerLevel: Number.POSITIVE_INFINITY }
])('a setting has to be a whole number of at least 1: %o', settings => {
  const [name] = Object.keys(settings)

  expect(() => assignItemIds('collaborative', smallInput({ settings }))).toThrow(
    expect.objectContaining({
      code: 'ARGUMENT_INVALID',
      message: expect.stringMatching(`setting ${name} .* must be a whole number of at least 1`)
    })
  )
})

test('settings of 1 are the smallest that there are', () => {
  for (const scheme of schemes) {
    const settings = { branching: 1, clusterSize: 1, words: 1 }
    const { itemIds } = assignItemIds(scheme, smallInput({ settings }))
    expect(buildTrie(itemIds).itemCountOf(0)).toBe(60)
  }
})

test.each(['random', 'independent', 'residual-kmeans', 'residual-kmeans-metadata'] as const)(
  '%s needs no attribute, and no session',
  scheme => {
    const items = smallItems.map(({ key }) => ({ key, attributes: {}, isVisible: true }))

    const { itemIds } = assignItemIds(scheme, smallInput({ items, sessions: [] }))

    expect(buildTrie(itemIds).itemCountOf(0)).toBe(items.length)
  }
)

test.each(['title', 'semantic', 'semantic+collaborative', 'elaborative'] as const)(
  '%s says what it misses in a catalogue without attributes',
  scheme => {
    const items = smallItems.map(({ key }) => ({ key, attributes: {}, isVisible: true }))

    expect(() => assignItemIds(scheme, smallInput({ items }))).toThrow(/no item has/)
  }
)

test.each(['collaborative', 'residual-kmeans-collaborative'] as const)(
  '%s says that sessions are missing',
  scheme => {
    expect(() => assignItemIds(scheme, smallInput({ sessions: [Int32Array.of(1, 1)] }))).toThrow(
      /no training session has two different items/
    )
  }
)

test('a hybrid has the cells of its first scheme and the item itself as its last code', () => {
  const plain = assignItemIds('collaborative', smallInput())
  const hybrid = assignItemIds('collaborative+independent', smallInput())

  smallItems.forEach((_, item) => {
    expect(pathOf(hybrid, item)).toEqual(pathOf(plain, item))
    expect(hybrid.itemIds.codes[(item + 1) * hybrid.itemIds.depth - 1]).toBe(item)
  })
})

test('vectors that are not of the items are refused', () => {
  expect(() => assignItemIds('random', smallInput({ vectors: new Float32Array(8) }))).toThrow(
    '60 items of width 8 need as many vectors, not 1'
  )
})
