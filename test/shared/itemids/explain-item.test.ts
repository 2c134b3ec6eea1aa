import { describe, expect, test } from 'vitest'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { explainItem, explainPrefixes } from '#shared/itemids/explain-item.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import type { SchemeSettings } from '#shared/itemids/scheme.ts'
import { smallInput, smallItems } from './schemes/small-catalogue.ts'

describe('explainItem', () => {
  test('says what each code stands for', () => {
    const { steps, codes } = explain('semantic', 0)

    expect(codes).toHaveLength(3)
    expect(steps.map(({ name, items }) => [name, items])).toEqual([
      ['indoors', 30],
      ['lamp', 10],
      [undefined, 1]
    ])
    expect(steps[0]!.words[0]).toBe('indoors')
    expect(steps[1]!.words).toContain('lamp')
    expect(steps[1]!.words).not.toContain('home') // said of every item
  })

  test('words have letters: blanks and numbers written as texts say nothing', () => {
    const attributes = { brand: '', size: '12.5', season: '2019', model: 'XL 2019' }
    const items = smallItems.map((item, i) =>
      i % 2 ? item : { ...item, attributes: { ...item.attributes, ...attributes } }
    )
    const { catalogue } = indexed('semantic', items)

    const words = explainPrefixes(catalogue).flatMap(step => step.words)

    expect(words).toContain('xl 2019')
    expect(words.filter(word => !/[a-z]/.test(word))).toEqual([])
  })

  test('names the most clicked items of a node first', () => {
    expect(explain('semantic', 0).steps[1]!.examples).toEqual([
      'item 54',
      'item 48',
      'item 42',
      'item 36'
    ])
  })

  test('gives the nearest items in the trie, those that share most codes first', () => {
    const { neighbours } = explain('title', 0, 12)

    expect(neighbours.map(({ sharedCodes }) => sharedCodes)).toEqual([3, 2, 1, 1, 1, 1, 1, 1])
    expect(neighbours[0]!.key).toBe('item 6')
  })

  test('knows nothing of an item that the trie does not hold', () => {
    const { catalogue } = indexed('random')

    expect(explainItem(catalogue, smallItems.length)).toBeUndefined()
  })

  test('says so of what fills up a path of clusters, and of no code of a k-means', () => {
    const settings = { branching: 3, clusterSize: 6 }
    const namesOf = (scheme: Scheme) =>
      explainPrefixes(indexed(scheme, smallItems, settings).catalogue).map(({ codes, name }) =>
        codes.at(-1) === 0 ? name : 'no zero'
      )

    expect(new Set(namesOf('collaborative'))).toEqual(new Set(['nothing more', 'no zero']))
    expect(new Set(namesOf('residual-kmeans'))).toEqual(new Set([undefined, 'no zero']))
  })

  test('says of a zero that there is nothing more', () => {
    const items = smallItems.map((item, i) =>
      i === 5 ? { ...item, attributes: { categories: ['home'] } } : item
    )
    const { catalogue } = indexed('semantic', items)

    expect(explainItem(catalogue, 5)!.steps.map(({ name }) => name)).toEqual([
      'nothing more',
      'nothing more',
      undefined
    ])
  })
})

test('all prefixes are explained as those of a single item are', () => {
  const { catalogue } = indexed('semantic')
  const prefixes = explainPrefixes(catalogue)
  const byCodes = new Map(prefixes.map(({ codes, ...step }) => [codes.join(), step]))

  expect(byCodes.size).toBe(prefixes.length)
  for (const item of smallItems.keys()) {
    const { codes, steps } = explainItem(catalogue, item)!
    steps.slice(0, -1).forEach(({ code: _, ...step }, level) => {
      expect(byCodes.get(codes.slice(0, level + 1).join())).toEqual(step)
    })
  }
})

function explain(scheme: Scheme, item: number, count = smallItems.length) {
  const items = smallItems.map((each, i) =>
    i < count ? { ...each, attributes: { ...each.attributes, title: titleOf(i) } } : each
  )
  return explainItem(indexed(scheme, items).catalogue, item)!
}

/** Two items of each kind and colour in the first dozen. */
function titleOf(item: number): string {
  return `${['lamp', 'chair', 'table', 'shelf', 'carpet', 'mirror'][item % 6]} red ${item % 6 === 0 && item < 12 ? 'oak' : 'pine'} ${item}`
}

function indexed(scheme: Scheme, items = smallItems, settings: SchemeSettings = {}) {
  const { itemIds, placing } = assignItemIds(scheme, smallInput({ items, settings }))
  const clicks = Int32Array.from(items.keys()) // the last item is clicked most
  return {
    catalogue: { items, trie: buildTrie(itemIds), clicks, scheme, reading: placing.reading }
  }
}
