// Ways to find which codes may follow each prefix of a beam: the part of a decoding step that
// test/benchmarks/trie.ts compares. Each is asked for three things:
//
// - *follow* finds what may follow, for a decoder that scores nothing else, as ours does: codes, and
//   what stands for the longer prefixes. In the flat trie both stand side by side, so that a range says
//   it all; a Map and sorted IDs have to be walked to list them.
// - *mask*, for a decoder that has scored every code: the scores of those that may follow, -Infinity
//   for all others.
// - *step* is a whole decoding step with scores given: probabilities of what may follow, and the best.
import { childAt, noChildren, type TrieView } from '#shared/itemids/trie.ts'

export const codesPerLevel = 256

/** Scores of all codes for each prefix, [beam, 256], and what masking leaves of them. */
export interface Scores {
  readonly all: Float32Array
  readonly allowed: Float32Array
}

/** Looks up the prefixes of a beam, and gives back what is to be timed. */
export type Masking = (prefixes: readonly (readonly number[])[]) => MaskedStep

export interface MaskedStep {
  follow(): void
  mask(): void
  step(): Float64Array
}

/** Scores of what may follow, prefix after prefix. */
interface Gathered {
  readonly scores: Float64Array
  /** [beam] where those of each prefix end. */
  readonly ends: Int32Array
}

function nothingGathered({ all }: Scores): Gathered {
  const ends = new Int32Array(all.length / codesPerLevel)
  return { scores: new Float64Array(all.length), ends }
}

/** By the interface that the searches use. */
export function maskByTrie(trie: TrieView, scores: Scores): Masking {
  const { all, allowed } = scores
  const { code } = trie.base
  const children = noChildren()
  const gathered = nothingGathered(scores)
  const ranges = new Int32Array(2 * gathered.ends.length)
  const codeAt = (c: number) => trie.codeOf(childAt(children, c))
  return prefixes => {
    const nodes = nodesOf(trie, prefixes)
    return {
      follow() {
        for (let b = 0; b < nodes.length; b++) {
          trie.readChildren(nodes[b]!, children)
          ranges[2 * b] = children.first
          ranges[2 * b + 1] = children.count
        }
      },
      mask() {
        allowed.fill(-Infinity, 0, nodes.length * codesPerLevel)
        for (let b = 0; b < nodes.length; b++) {
          trie.readChildren(nodes[b]!, children)
          const { first, count, list } = children
          const row = b * codesPerLevel
          for (let c = 0; list && c < count; c++) allowed[row + codeAt(c)] = all[row + codeAt(c)]!
          for (let n = first; !list && n < first + count; n++) {
            const at = row + code[n]!
            allowed[at] = all[at]!
          }
        }
      },
      step() {
        let end = 0
        for (let b = 0; b < nodes.length; b++) {
          trie.readChildren(nodes[b]!, children)
          const { first, count, list } = children
          const row = b * codesPerLevel
          for (let c = 0; list && c < count; c++) gathered.scores[end++] = all[row + codeAt(c)]!
          for (let n = first; !list && n < first + count; n++) {
            gathered.scores[end++] = all[row + code[n]!]!
          }
          gathered.ends[b] = end
        }
        return bestOf(gathered, nodes.length)
      }
    }
  }
}

function nodesOf(trie: TrieView, prefixes: readonly (readonly number[])[]): Int32Array {
  return Int32Array.from(prefixes, codes =>
    codes.reduce((node, code) => trie.childBy(node, code)!, 0)
  )
}

/** A Map from code to Map, or to the item: what one writes first. */
export type MapTrie = Map<number, MapTrie | number>

export function buildMaps(codes: Int32Array, depth: number): MapTrie {
  const root: MapTrie = new Map()
  for (let start = 0; start < codes.length; start += depth) {
    let node = root
    for (let level = 0; level < depth - 1; level++) {
      const code = codes[start + level]!
      const child = (node.get(code) as MapTrie | undefined) ?? new Map()
      node.set(code, child)
      node = child
    }
    node.set(codes[start + depth - 1]!, start / depth)
  }
  return root
}

export function maskByMaps(root: MapTrie, scores: Scores): Masking {
  const { all, allowed } = scores
  const gathered = nothingGathered(scores)
  const codes = new Int32Array(all.length)
  const longer: (MapTrie | number)[] = Array.from(all, () => 0)
  return prefixes => {
    const nodes = prefixes.map(prefix =>
      prefix.reduce<MapTrie>((node, code) => node.get(code) as MapTrie, root)
    )
    return {
      follow() {
        let count = 0
        for (const node of nodes) {
          for (const [code, child] of node) {
            codes[count] = code
            longer[count++] = child
          }
        }
      },
      mask() {
        allowed.fill(-Infinity, 0, nodes.length * codesPerLevel)
        let row = 0
        for (const node of nodes) {
          for (const code of node.keys()) allowed[row + code] = all[row + code]!
          row += codesPerLevel
        }
      },
      step() {
        let [end, row] = [0, 0]
        nodes.forEach((node, b) => {
          for (const code of node.keys()) gathered.scores[end++] = all[row + code]!
          gathered.ends[b] = end
          row += codesPerLevel
        })
        return bestOf(gathered, nodes.length)
      }
    }
  }
}

/** IDs as whole numbers, sorted; a prefix is a range of them, and binary search finds its parts. */
export function maskBySortedIds(ids: Uint32Array, depth: number, scores: Scores): Masking {
  const { all, allowed } = scores
  const gathered = nothingGathered(scores)
  const parts = new Int32Array(3 * all.length)
  return prefixes => {
    const ranges = prefixes.map(codes => {
      const [unit, first] = [codesPerLevel ** (depth - codes.length), numberOf(codes)]
      return {
        start: placeOf(ids, first * unit, 0, ids.length),
        end: placeOf(ids, (first + 1) * unit, 0, ids.length),
        unit: unit / codesPerLevel // IDs that share one code more
      }
    })
    const eachPart = (take: (code: number, b: number, start: number, end: number) => void) => {
      ranges.forEach(({ start, end, unit }, b) => {
        for (let place = start; place < end; ) {
          const longer = Math.floor(ids[place]! / unit)
          const after = placeOf(ids, (longer + 1) * unit, place, end)
          take(longer % codesPerLevel, b, place, after)
          place = after
        }
      })
    }
    return {
      follow() {
        let count = 0
        eachPart((code, _, start, end) => {
          parts[count++] = code
          parts[count++] = start
          parts[count++] = end
        })
      },
      mask() {
        allowed.fill(-Infinity, 0, ranges.length * codesPerLevel)
        eachPart((code, b) => {
          const at = b * codesPerLevel + code
          allowed[at] = all[at]!
        })
      },
      step() {
        let end = 0
        eachPart((code, b) => {
          gathered.scores[end++] = all[b * codesPerLevel + code]!
          gathered.ends[b] = end
        })
        return bestOf(gathered, ranges.length)
      }
    }
  }
}

export function numberOf(codes: ArrayLike<number>): number {
  return Array.from(codes).reduce((number, code) => number * codesPerLevel + code, 0)
}

/** Place of the first ID that is at least `id`. */
function placeOf(ids: Uint32Array, id: number, start: number, end: number): number {
  let [low, high] = [start, end]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ids[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}

/** The step of a decoder that knows no trie. */
export function stepWithoutMask(scores: Scores, beam: number): () => Float64Array {
  const gathered = nothingGathered(scores)
  for (let b = 0; b < beam; b++) gathered.ends[b] = (b + 1) * codesPerLevel
  const used = scores.all.subarray(0, beam * codesPerLevel)
  return () => {
    gathered.scores.set(used)
    return bestOf(gathered, beam)
  }
}

/** Makes probabilities of the scores of each prefix, and gives the best of all. */
function bestOf({ scores, ends }: Gathered, beam: number): Float64Array {
  let start = 0
  for (let b = 0; b < beam; b++) {
    const end = ends[b]!
    let sum = 0
    for (let i = start; i < end; i++) sum += Math.exp(scores[i]!)
    const normaliser = Math.log(sum)
    for (let i = start; i < end; i++) scores[i]! -= normaliser
    start = end
  }
  return largestOf(scores, start, beam)
}

/** The largest of the first `end` values, rising: most are smaller than all that are kept, and cost one look. */
function largestOf(values: Float64Array, end: number, count: number): Float64Array {
  const kept = new Float64Array(count).fill(-Infinity)
  for (let i = 0; i < end; i++) {
    const value = values[i]!
    if (value <= kept[0]!) continue
    let place = 0
    for (; place + 1 < count && kept[place + 1]! < value; place++) kept[place] = kept[place + 1]!
    kept[place] = value
  }
  return kept
}
