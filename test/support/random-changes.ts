// Random changes of small tries, and what a trie must hold after them: found by a Map.
import fc from 'fast-check'
import type { CodeScorer } from '#shared/inference/code-scorer.ts'
import type { Candidate, SearchTask } from '#shared/inference/search-task.ts'
import { buildTrieOfRows } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import type { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import { childAt, codesOf, type Trie, type TrieView } from '#shared/itemids/trie.ts'
import type { TrieWriter } from '#shared/itemids/trie-writer.ts'

export type Act =
  | { readonly kind: 'insert'; readonly item: number; readonly codes: readonly number[] }
  | { readonly kind: 'remove' | 'hide' | 'show'; readonly item: number }
  | { readonly kind: 'fold' }

/** Acts on items 0 to 39 and on IDs of `depth` codes below five, many of them impossible. */
export function randomActs(depth: number): fc.Arbitrary<Act[]> {
  const item = fc.nat(39)
  const codes = fc.array(fc.nat(4), { minLength: depth, maxLength: depth })
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('insert' as const), item, codes }) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constantFrom('remove', 'hide', 'show'), item })
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fold' as const) }) }
    ),
    { maxLength: 60 }
  )
}

/** What the trie should hold. */
export interface Expected {
  readonly ids: Map<number, readonly number[]>
  readonly hidden: Set<number>
}

export function expectedOf({ codes, depth }: ItemIds): Expected {
  const ids = new Map<number, readonly number[]>()
  for (let start = 0; start < codes.length; start += depth) {
    ids.set(start / depth, Array.from(codes.subarray(start, start + depth)))
  }
  return { ids, hidden: new Set() }
}

/** Does it to both. @returns whether the writer said that it could be done, and whether it could. */
export function act(writer: TrieWriter, { ids, hidden }: Expected, doing: Act): [boolean, boolean] {
  if (doing.kind === 'fold') {
    writer.fold()
    return [true, true]
  }
  const { item } = doing
  if (doing.kind === 'insert') {
    const isTaken = [...ids.values()].some(codes => String(codes) === String(doing.codes))
    const isPossible = !ids.has(item) && !isTaken
    if (isPossible) ids.set(item, doing.codes)
    return [succeeds(() => writer.insert(item, doing.codes)), isPossible]
  }
  if (doing.kind === 'remove') {
    hidden.delete(item)
    return [writer.remove(item), ids.delete(item)]
  }
  if (doing.kind === 'show') return [writer.show(item), hidden.delete(item)]
  const isPossible = ids.has(item) && !hidden.has(item)
  if (isPossible) hidden.add(item)
  return [writer.hide(item), isPossible]
}

function succeeds(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}

/** The trie that is built from what should be there. */
export function rebuilt({ ids }: Expected, depth: number): Trie {
  const items = Int32Array.from(ids.keys())
  return buildTrieOfRows({ depth, items, codes: Int32Array.from([...ids.values()].flat()) })
}

export interface Asked {
  readonly excluded: Iterable<number>
  readonly filter?: ItemFilter | undefined
  readonly width: number
  readonly by: (task: SearchTask) => Candidate[]
}

/** A search whose scores depend on codes only, so that tries that hold the same give the same. */
export function searchByCodes(trie: TrieView, { excluded, filter, width, by }: Asked): Candidate[] {
  const scorer: CodeScorer = {
    scoreChildren(_, children, scores) {
      for (let c = 0; c < children.count; c++) {
        scores[c] = Math.sin(Number(`1${codesOf(trie, childAt(children, c)).join('')}`))
      }
    }
  }
  return by({ trie, scorer, exclusions: new Exclusions(trie, excluded, filter), width })
}
