import { expect, test } from 'vitest'
import { createLivingMoments } from '#shared/inference/living-moments.ts'
import { momentRows, rowOnPath } from '#shared/inference/moment-rows.ts'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder, decodeSession } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import { childrenOf } from '#shared/itemids/trie.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { createRandom } from '#shared/runtime/random.ts'

const width = 4
const ids = (codes: number[][]): ItemIds => ({
  scheme: 'residual-kmeans',
  depth: 3,
  levelSizes: [4, 4, 4],
  codes: Int32Array.from(codes.flat())
})
const release = [
  [0, 0, 0],
  [0, 0, 1],
  [0, 1, 0],
  [1, 0, 0]
]
/** One in an old cell, one in a new cell, one below a new first code. */
const added = [
  [0, 0, 2],
  [0, 2, 0],
  [2, 0, 0]
]

const random = createRandom(1)
const normal = (length: number) => Float32Array.from({ length }, random.normal)
const vectors = normal(7 * width)
const weights = {
  session: normal(width ** 2),
  node: normal(width ** 2),
  level: normal(3 * width),
  output: normal(width ** 2)
}
const vectorOf = (item: number) => vectors.subarray(item * width, (item + 1) * width)

/** The release, to which the other items come one by one, as in the thread that keeps it. */
function grown() {
  const trie = buildTrie(ids(release))
  const moments = nodeMoments(trie, vectors.subarray(0, 4 * width), width)
  const decoder = createTokenDecoder(trie, moments, weights, {
    vectors: vectors.subarray(0, 4 * width),
    room: { items: 3, innerNodes: 3 }
  })
  const own = trie.itemCount.length
  const living = createLivingMoments(decoder.shared, weights, own)
  const writer = new TrieWriter(trie)
  const addedRows = new Int32Array(6)
  const rowsOf = [
    [1, rowOnPath({ release: trie, addedRows }, 0, 2)],
    [1, own],
    [own + 1, own + 2]
  ]
  added.forEach((codes, i) => {
    addedRows.set(rowsOf[i]!, 2 * i)
    decoder.vectors.set(vectorOf(4 + i), (4 + i) * width)
    living.change({ rows: rowsOf[i]!, now: vectorOf(4 + i).slice() })
    writer.insert(4 + i, codes)
  })
  const momentRowOf = momentRows({ release: trie, addedRows }, () => writer.view)
  return {
    writer,
    living,
    rowsOf,
    decoder: { ...decoder, momentRowOf, trie: writer.view },
    decoderNow: () => ({ ...decoder, momentRowOf, trie: writer.view })
  }
}

type Decoder = Parameters<typeof decodeSession>[0]

/** Scores of all children of all inner nodes, by the codes of their items. */
function scoresOf(decoder: Decoder): Map<string, number> {
  const scores = new Map<string, number>()
  const scorer = decodeSession(decoder, Float32Array.of(1, -0.5, 0.3, 0.8))
  const visit = (node: number, path: string) => {
    const children = childrenOf(decoder.trie, node)
    if (children.length === 0) return
    const found = new Float64Array(children.length)
    const read = { count: 0, first: 0, list: undefined }
    decoder.trie.readChildren(node, read)
    scorer.scoreChildren(node, read, found)
    children.forEach((child, c) => {
      const name = `${path} ${decoder.trie.codeOf(child)}`
      scores.set(name, found[c]!)
      visit(child, name)
    })
  }
  visit(0, '')
  return scores
}

/** The same items as a release of their own, its covariance in diagonals alone. */
function whole(): Map<string, number> {
  const trie = buildTrie(ids([...release, ...added]))
  const moments = nodeMoments(trie, vectors, width)
  for (let node = 0; node < trie.itemCount.length; node++) {
    for (let d = 0; d < width; d++) {
      for (let q = 0; q < moments.rank; q++) {
        const place = (node * moments.rank + q) * width + d
        moments.diagonals[node * width + d]! += moments.directions[place]! ** 2
        moments.directions[place] = 0
      }
    }
  }
  return scoresOf(createTokenDecoder(trie, moments, weights, { vectors }))
}

test('leaves, and nodes that only new items are below, score as in a release with all items', () => {
  const [now, expected] = [scoresOf(grown().decoder), whole()]

  expect([...now.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
  for (const path of [' 2', ' 2 0', ' 2 0 0', ' 0 2', ' 0 2 0']) {
    expect(now.get(path)).toBeCloseTo(expected.get(path)!, 4)
  }
})

test('a fold numbers the nodes anew, and every one of them keeps its moments', () => {
  const { writer, decoderNow } = grown()
  const before = scoresOf(decoderNow())

  writer.fold()

  expect(scoresOf(decoderNow())).toEqual(before)
})

test('an item that changes and changes back leaves the scores as they were', () => {
  const { living, rowsOf, decoder } = grown()
  const before = scoresOf(decoder)
  const other = normal(width)

  living.change({ rows: rowsOf[0]!, before: vectorOf(4).slice(), now: other })
  const changed = scoresOf(decoder)
  living.change({ rows: rowsOf[0]!, before: other, now: vectorOf(4).slice() })

  const after = scoresOf(decoder)
  expect(changed.get(' 0')).not.toBeCloseTo(before.get(' 0')!, 3)
  for (const [path, score] of before) expect(after.get(path)).toBeCloseTo(score, 4)
})
