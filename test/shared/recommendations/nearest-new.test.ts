import { describe, expect, test } from 'vitest'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder, dot } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { nearestNew } from '#shared/recommendations/nearest-new.ts'
import { createRandom } from '#shared/runtime/random.ts'

const [itemCount, width] = [1500, 4]
const vectors = randomVectors()
const decoder = decoderOf(vectors)

describe.each([
  ['a few', 40],
  ['many', 1400]
])('of %s new items', (_, count) => {
  const newItems = new Set(Array.from({ length: count }, (_, n) => n * (itemCount / count)).map(Math.floor)) // biome-ignore format: one line

  test('the one that a session is nearest to by far is found', () => {
    const items = [...newItems].filter((_, n) => n % 9 === 0)

    const missed = items.filter(item => !found({ state: towards(item) }).includes(item))

    expect(missed.length / items.length).toBeLessThan(0.02)
  })

  test('nothing else comes, nothing twice, and what is excluded or filtered out does not', () => {
    const state = towards([...newItems][3]!)
    const all = found({ state })
    const excluded = new Set(all.slice(0, 5))
    const filter = new ItemFilter(item => item % 2 === 0)

    const limited = [found({ state, excluded, filter }), found({ state, excluded, filter })]

    expect(all).toHaveLength(20)
    expect(new Set(all).size).toBe(20)
    expect(all.every(item => newItems.has(item))).toBe(true)
    const even = [...newItems].filter(item => item % 2 === 0 && !excluded.has(item))
    expect(limited[0]).toHaveLength(Math.min(20, even.length))
    expect(limited[0]!.every(item => even.includes(item))).toBe(true)
    expect(limited[1]).toEqual(limited[0])
  })

  test('all come where fewer than twenty are allowed', () => {
    const allowed = [...newItems].slice(0, 7)
    const filter = new ItemFilter(item => allowed.includes(item) || !newItems.has(item))

    const items = found({ state: towards(1), filter })

    expect([...items].sort((a, b) => a - b)).toEqual(allowed)
  })

  interface Asked {
    readonly state: Float32Array
    readonly excluded?: ReadonlySet<number>
    readonly filter?: ItemFilter
  }

  function found({ state, excluded = new Set(), filter }: Asked): readonly number[] {
    const logitOf = (item: number) => dot(state, vectors, item * width)
    return nearestNew({ decoder, newItems, state, limits: { excluded, filter }, logitOf })
  }
})

/** A session that wants one item. */
function towards(item: number): Float32Array {
  return vectors.slice(item * width, (item + 1) * width).map(value => 8 * value)
}

/** On a sphere: of such, no other is nearer to a vector than itself. */
function randomVectors(): Float32Array {
  const random = createRandom(2)
  const rows = Array.from({ length: itemCount }, () => {
    const row = Float32Array.from({ length: width }, random.normal)
    const length = Math.hypot(...row)
    return row.map(value => value / length)
  })
  return Float32Array.from(rows.flatMap(row => Array.from(row)))
}

/** Without a learned correction. */
function decoderOf(rows: Float32Array) {
  const { itemIds } = assignResidualKmeans(rows, width, createRandom(1))
  const trie = buildTrie(itemIds)
  const square = new Float32Array(width ** 2)
  const level = new Float32Array(itemIds.depth * width)
  const weights = { session: square, node: square, level, output: square }
  return createTokenDecoder(trie, nodeMoments(trie, rows, width), weights)
}
