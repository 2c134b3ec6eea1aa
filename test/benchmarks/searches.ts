// Decoder calls of exact search beside beam search, and what the beam misses, by how sure the model is
//
// The scores of a node's children are normal with deviation `sureness`: at 0 all codes of a node are
// equally probable, at 4 one of them mostly has nearly all. Sizes as Amazon Beauty's.
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { type CodeScorer, countCalls } from '#shared/inference/code-scorer.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { childAt, type Trie } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { BenchOptions, Figure } from './report.ts'

const [itemCount, branching, depth] = [12_101, 23, 3]
const [wanted, beamWidth, requests] = [10, 30, 40]

export async function run(_: BenchOptions): Promise<readonly Figure[]> {
  const trie = randomTrie()
  return [0, 1, 2, 3, 4, 6].flatMap(sureness => figuresOf(trie, sureness))
}

function figuresOf(trie: Trie, sureness: number): Figure[] {
  const exclusions = new Exclusions(trie, [])
  let [exactCalls, beamCalls, missed] = [0, 0, 0]
  for (let seed = 0; seed < requests; seed++) {
    const scorer = normalScorer(trie, seed, sureness)
    const [byExact, byBeam] = [countCalls(scorer), countCalls(scorer)]
    const exact = bestFirstSearch({ trie, exclusions, scorer: byExact, width: wanted })
    const beam = beamSearch({ trie, exclusions, scorer: byBeam, width: beamWidth })
    const found = new Set(beam.slice(0, wanted).map(({ item }) => item))
    exactCalls += byExact.calls / requests
    beamCalls += byBeam.calls / requests
    missed += exact.filter(({ item }) => !found.has(item)).length / (wanted * requests)
  }
  return [
    {
      name: `exact top ${wanted}, sureness ${sureness}`,
      value: exactCalls,
      unit: 'decoder calls',
      reference: beamCalls
    },
    { name: `missed by beam ${beamWidth}, sureness ${sureness}`, value: missed, unit: 'of the top' }
  ]
}

function randomTrie(): Trie {
  const random = createRandom(1)
  const places = random.shuffle(Int32Array.from({ length: branching ** depth }, (_, id) => id))
  const codes = Int32Array.from({ length: itemCount * depth }, (_, at) => {
    const place = places[Math.floor(at / depth)]!
    return Math.floor(place / branching ** (at % depth)) % branching
  })
  const levelSizes = Array.from({ length: depth }, () => branching)
  return buildTrie({ scheme: 'residual-kmeans', depth, levelSizes, codes })
}

function normalScorer(trie: Trie, seed: number, sureness: number): CodeScorer {
  const random = createRandom(seed)
  const scoreOf = Float64Array.from(trie.parent, () => sureness * random.normal())
  return {
    scoreChildren(_, children, scores) {
      for (let c = 0; c < children.count; c++) scores[c] = scoreOf[childAt(children, c)]!
    }
  }
}
