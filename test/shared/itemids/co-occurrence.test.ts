import { describe, expect, test } from 'vitest'
import { coOccurrence, degreesOf, type Graph, subgraph } from '#shared/itemids/co-occurrence.ts'

describe('coOccurrence', () => {
  test('counts pairs in both directions, over all sessions', () => {
    const { graph, items } = coOccurrence([Int32Array.of(4, 2, 4), Int32Array.of(2, 7)], 9)

    expect(Array.from(items)).toEqual([2, 4, 7])
    expect(dense(graph)).toEqual([
      [0, 2, 1],
      [2, 0, 0],
      [1, 0, 0]
    ])
    expect(Array.from(degreesOf(graph))).toEqual([3, 2, 1])
  })

  test('leaves out an item beside itself and items that are alone', () => {
    const { items } = coOccurrence([Int32Array.of(1, 1), Int32Array.of(3), Int32Array.of(5, 6)], 9)

    expect(Array.from(items)).toEqual([5, 6])
  })

  test('takes no pairs of clicks more than twenty apart', () => {
    const session = Int32Array.from({ length: 22 }, (_, i) => i)

    const { graph } = coOccurrence([session], 22)

    expect(dense(graph)[0]![20]).toBe(1)
    expect(dense(graph)[0]![21]).toBe(0)
  })
})

test('a part of a graph has the edges between the chosen nodes', () => {
  const { graph } = coOccurrence(
    [Int32Array.of(0, 1, 2), Int32Array.of(2, 3), Int32Array.of(0, 2)],
    4
  )

  expect(dense(subgraph(graph, Int32Array.of(2, 0)))).toEqual([
    [0, 2],
    [2, 0]
  ])
})

function dense({ nodes, starts, neighbours, weights }: Graph): number[][] {
  return Array.from({ length: nodes }, (_, n) => {
    const row = new Array<number>(nodes).fill(0)
    for (let e = starts[n]!; e < starts[n + 1]!; e++) row[neighbours[e]!] = weights[e]!
    return row
  })
}
