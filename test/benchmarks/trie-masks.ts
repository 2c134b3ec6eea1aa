// Four ways to find which codes may follow each prefix of a beam: the part of a decoding step that
// test/benchmarks/trie.ts compares. All write the same: the scores of the codes that may follow,
// -Infinity for the others, and what stands for the longer prefixes.
import type { TrieView } from '#shared/itemids/trie.ts'

export const codesPerLevel = 256

/** Looks up the prefixes of a beam, and gives back the masking of one step, to be timed. */
export type Mask = (prefixes: readonly (readonly number[])[]) => () => void

/** Scores of all codes for each prefix, [beam, 256], and what masking leaves of them. */
export interface Scores {
  readonly all: Float64Array
  readonly allowed: Float64Array
}

/** Children found through the interface that the searches use. */
export function maskByTrie(trie: TrieView, { all, allowed }: Scores): Mask {
  const next = new Int32Array(all.length)
  return prefixes => {
    const nodes = prefixes.map(codes => codes.reduce((node, code) => childBy(trie, node, code), 0))
    return () => {
      allowed.fill(-Infinity, 0, nodes.length * codesPerLevel)
      for (let b = 0; b < nodes.length; b++) {
        const children = trie.childrenOf(nodes[b]!)
        const codes = trie.childCodesOf(nodes[b]!)
        for (let c = 0; c < children.length; c++) {
          const at = b * codesPerLevel + codes[c]!
          allowed[at] = all[at]!
          next[at] = children[c]!
        }
      }
    }
  }
}

function childBy(trie: TrieView, node: number, code: number): number {
  return trie.childrenOf(node).find(child => trie.codeOf(child) === code)!
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

export function maskByMaps(root: MapTrie, { all, allowed }: Scores): Mask {
  const next: (MapTrie | number)[] = Array.from(all, () => 0)
  return prefixes => {
    const nodes = prefixes.map(codes =>
      codes.reduce<MapTrie>((node, code) => node.get(code) as MapTrie, root)
    )
    return () => {
      allowed.fill(-Infinity, 0, nodes.length * codesPerLevel)
      nodes.forEach((node, b) => {
        for (const [code, child] of node) {
          const at = b * codesPerLevel + code
          allowed[at] = all[at]!
          next[at] = child
        }
      })
    }
  }
}

/** IDs as whole numbers, sorted; a prefix is a range of them, and binary search finds its parts. */
export function maskBySortedIds(ids: Uint32Array, depth: number, { all, allowed }: Scores): Mask {
  const next = new Int32Array(2 * all.length)
  return prefixes => {
    const ranges = prefixes.map(codes => {
      const [unit, first] = [codesPerLevel ** (depth - codes.length), numberOf(codes)]
      return {
        start: placeOf(ids, first * unit, 0, ids.length),
        end: placeOf(ids, (first + 1) * unit, 0, ids.length),
        unit: unit / codesPerLevel // IDs that share one code more
      }
    })
    return () => {
      allowed.fill(-Infinity, 0, ranges.length * codesPerLevel)
      ranges.forEach(({ start, end, unit }, b) => {
        for (let place = start; place < end; ) {
          const longer = Math.floor(ids[place]! / unit)
          const after = placeOf(ids, (longer + 1) * unit, place, end)
          const at = b * codesPerLevel + (longer % codesPerLevel)
          allowed[at] = all[at]!
          next[2 * at] = place
          next[2 * at + 1] = after
          place = after
        }
      })
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

/** The rest of a step, masked or not: probabilities of all codes, and the best of them. */
export function stepWithoutMask({ all }: Scores, beam: number): () => Float64Array {
  const used = all.subarray(0, beam * codesPerLevel)
  const logProbabilities = new Float64Array(used.length)
  return () => {
    for (let start = 0; start < used.length; start += codesPerLevel) {
      let sum = 0
      for (let c = 0; c < codesPerLevel; c++) sum += Math.exp(used[start + c]!)
      const normaliser = Math.log(sum)
      for (let c = 0; c < codesPerLevel; c++) {
        logProbabilities[start + c] = used[start + c]! - normaliser
      }
    }
    return largestOf(logProbabilities, beam)
  }
}

/** The largest values, rising: most values are smaller than all that are kept, and cost one look. */
function largestOf(values: Float64Array, count: number): Float64Array {
  const kept = new Float64Array(count).fill(-Infinity)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value <= kept[0]!) continue
    let place = 0
    for (; place + 1 < count && kept[place + 1]! < value; place++) kept[place] = kept[place + 1]!
    kept[place] = value
  }
  return kept
}
