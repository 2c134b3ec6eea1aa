import { expect, test } from 'vitest'
import { buildTrainingSet, splitInputs, type TrainingSet } from '#services/trainer/training-set.ts'
import type { Item } from '#shared/catalog/item.ts'
import type { TimeSplit } from '#shared/evaluation/time-split.ts'
import type { Lookups } from '#shared/model/unified-embedding.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import type { Session } from '#shared/sessions/session.ts'
import { smallRecipe } from '#test/support/small-shop.ts'

const catalog: readonly Item[] = ['pot', 'pan', 'rake', 'hose', 'lamp'].map((key, i) => ({
  key,
  attributes: { categories: [i < 2 ? 'kitchen' : 'garden'], price: 5 * i },
  isVisible: key !== 'lamp'
}))
const anySplit = splitOf({ training: [['pot', 'pan']] })

test('sessions become the items, types and gaps that a live answer reads', () => {
  const set = build({ training: [['pot', 'rake', 'pot']], validation: [['hose', 'pan']] })

  expect(keysOf(set, set.training)).toEqual([['pot', 'rake', 'pot']])
  expect(keysOf(set, set.validation)).toEqual([['hose', 'pan']])
  expect([...set.training[0]!.types]).toEqual([1, 1, 1])
  expect([...set.training[0]!.gaps]).toEqual([0, 4, 4]) // ten seconds
})

test('the order of items does not depend on the order of the catalogue, nor of the keys', () => {
  const { itemKeys } = buildTrainingSet(catalog, anySplit, smallRecipe)

  expect(buildTrainingSet(catalog.toReversed(), anySplit, smallRecipe).itemKeys).toEqual(itemKeys)
  expect(itemKeys).not.toEqual(itemKeys.toSorted())
  expect(itemKeys.toSorted()).toEqual(['hose', 'lamp', 'pan', 'pot', 'rake'])
})

test('clicks are counted in training sessions only', () => {
  const set = build({
    training: [['pot', 'pan', 'pot'], ['pan']],
    validation: [['rake', 'rake', 'pot']],
    test: [['hose', 'pot']]
  })

  const clicks = Object.fromEntries(set.itemKeys.map((key, item) => [key, set.clicks[item]]))

  expect(clicks).toEqual({ pot: 2, pan: 2, rake: 0, hose: 0, lamp: 0 })
})

test('items that nobody clicked, and hidden ones, are read like any other', () => {
  const set = build({})
  const columnsOf = ({ starts }: Lookups) => (starts.length - 1) / set.itemKeys.length

  expect(set.reading.features.map(({ name }) => name)).toEqual(['categories:1', 'price'])
  expect(columnsOf(set.metadata)).toBe(set.columns)
  expect(columnsOf(set.key)).toBe(2) // looked up twice: 16 / 8
  expect(set.metadata.rows).toHaveLength(2 * catalog.length) // each has both values
  expect(set.key.rows).toHaveLength(2 * catalog.length)
})

test('it is known how many items their metadata tell apart', () => {
  const build = (items: readonly Item[]) => buildTrainingSet(items, anySplit, smallRecipe).toldApart
  const alike = catalog.map(item => ({ ...item, attributes: { categories: ['shop', 'kitchen'] } }))
  const inTwoKinds = catalog.map(({ attributes: { categories }, ...item }) => ({
    ...item,
    attributes: { categories: categories! }
  }))

  expect(build(catalog)).toBe(1)
  expect(build(alike)).toBe(1 / 5)
  expect(build(inTwoKinds)).toBe(2 / 5)
})

test('look-ups point into the rows that are kept', () => {
  const set = build({})

  expect(set.reachedRows).toEqual(new Int32Array(new Set(set.reachedRows)).sort())
  const rows = [...set.metadata.rows, ...set.key.rows]
  expect(Math.min(...rows)).toBe(0)
  expect(new Set(rows).size).toBe(set.reachedRows.length)
})

test('each category level has its classes, by item', () => {
  const set = build({})
  const [level] = set.categories

  const classes = set.itemKeys.map((key, item) => [key, level!.classes[item]])

  expect(set.categories).toHaveLength(1)
  expect(level!.count).toBe(2)
  expect(Object.fromEntries(classes)).toEqual({ pot: 1, pan: 1, rake: 0, hose: 0, lamp: 0 })
})

test('visitors who come back in one click of a hundred make a shop of repeats', () => {
  const often = Array.from({ length: 98 }, (_, i) =>
    i % 2 === 0 ? ['pot', 'pan'] : ['pan', 'pot']
  )

  // 98 targets without a repeat, and two with or without one.
  expect(build({ training: [...often, ['pot', 'pan', 'pot']] }).repeats).toBe(true)
  expect(build({ training: [...often, ['pot', 'pan', 'rake']] }).repeats).toBe(false)
  expect(build({ training: [...often, ...often, ['pot', 'pan', 'pot']] }).repeats).toBe(false)
})

test('a click on an item that the catalogue does not know is left out', () => {
  const set = build({ training: [['pot', 'gone', 'pan']] })

  expect(keysOf(set, set.training)).toEqual([['pot', 'pan']])
})

test.each(['training', 'validation', 'test'] as const)(
  'when no %s session has two known items, the error says which part and what to do',
  part => {
    const split = splitOf({ [part]: [['gone', 'pot'], ['pan'], []] })

    expect(() => buildTrainingSet(catalog, split, smallRecipe)).toThrow(
      expect.objectContaining({
        code: 'LOG_TOO_SHORT',
        message: expect.stringMatching(new RegExp(`no ${part} session .* import the items`))
      })
    )
  }
)

test('a release reads a split by its own items, whatever the catalogue says now', () => {
  const itemIndex = new Map([
    ['rake', 0],
    ['pot', 1]
  ])

  const inputs = splitInputs(splitOf({ test: [['pot', 'pan', 'rake']] }, 'rake'), itemIndex, 8)

  expect([...inputs.test[0]!.items]).toEqual([1, 0])
})

type Part = 'training' | 'validation' | 'test'
type Sessions = { readonly [part in Part]?: readonly (readonly string[])[] }

function build(sessions: Sessions): TrainingSet {
  return buildTrainingSet(catalog, splitOf(sessions), smallRecipe)
}

/** A part that is not given has one session. */
function splitOf(sessions: Sessions, second = 'pan'): TimeSplit {
  const part = (name: Part) => (sessions[name] ?? [['pot', second]]).map(sessionOn)
  return {
    training: part('training'),
    validation: part('validation'),
    test: part('test'),
    validationFrom: 0,
    testFrom: 0
  }
}

/** Clicks ten seconds apart. */
function sessionOn(itemKeys: readonly string[]): Session {
  const clicks = itemKeys.map((itemKey, i) => ({ itemKey, type: 'click' as const, at: i * 10_000 }))
  return { sessionId: itemKeys.join(), clicks }
}

function keysOf({ itemKeys }: TrainingSet, sessions: readonly SessionInput[]): string[][] {
  return sessions.map(({ items }) => Array.from(items, item => itemKeys[item]!))
}
