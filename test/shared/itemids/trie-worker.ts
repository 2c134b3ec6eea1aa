// A reader for trie-threads.test.ts: looks at the trie as often as it can and checks what it sees.
//
// The writer's step k inserts item k, removes item k - 300 and hides item k - 100. What is there after
// each of these changes is therefore known from the newest item alone.
import { once } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { childrenOf, codesOf, type TrieView } from '#shared/itemids/trie.ts'
import { type ReaderSeat, TrieReader } from '#shared/itemids/trie-reader.ts'

interface Shared {
  readonly seat: ReaderSeat
  /** [steps that the writer has ended, 1 when readers are to stop, looks of each reader …] */
  readonly counters: Int32Array
  readonly number: number
}

const [{ seat, counters, number }] = (await once(parentPort!, 'message')) as [Shared]
const reader = new TrieReader(seat)
const seen = new Set<string>()
const faults: string[] = []
let newestBefore = 0
while (Atomics.load(counters, 1) === 0 && faults.length < 5) {
  const ended = Atomics.load(counters, 0)
  const view = reader.view()
  const newest = look(view)
  if (newest < ended) faults.push(`step ${ended} had ended, but ${newest} is the newest item`)
  if (newest < newestBefore) faults.push(`item ${newest} is the newest, and was ${newestBefore}`)
  newestBefore = newest
  Atomics.add(counters, 2 + number, 1)
}
reader.close()
parentPort!.postMessage({ states: seen.size, faults })

/** Checks everything that can be seen. @returns the newest item. */
function look(view: TrieView): number {
  const items = itemsBelow(view, 0).sort((a, b) => a - b)
  const [oldest = 0, newest = 0] = [items[0], items.at(-1)]
  const hidden = items.filter(item => view.isHidden(item))
  const lastHidden = hidden.at(-1) ?? 199
  seen.add(`${newest} ${oldest} ${lastHidden}`)

  const isWhole = items.length === newest - oldest + 1 && [299, 300].includes(newest - oldest)
  if (!isWhole) faults.push(`there are ${items.length} items from ${oldest} to ${newest}`)
  const isHiding = newest === 299 || [100, 101].includes(newest - lastHidden)
  if (!isHiding) faults.push(`item ${lastHidden} is hidden last, and ${newest} is the newest`)
  if (lastHidden === newest - 100 && oldest === newest - 300) faults.push('hidden before removed')

  const scorer = { scoreChildren: () => undefined }
  const exclusions = new Exclusions(view, [newest])
  const found = beamSearch({ trie: view, scorer, exclusions, width: 301 }).map(({ item }) => item)
  const shown = items.filter(item => item !== newest && !view.isHidden(item))
  if (String(found.sort((a, b) => a - b)) !== String(shown)) faults.push('not the items shown')
  return newest
}

function itemsBelow(view: TrieView, node: number): number[] {
  if (view.itemOf(node) >= 0) {
    if (codesOf(view, node).length !== view.depth) faults.push(`node ${node} has an item`)
    return [view.itemOf(node)]
  }
  const items = childrenOf(view, node).flatMap(child => itemsBelow(view, child))
  if (items.length !== view.itemCountOf(node)) faults.push(`node ${node} is miscounted`)
  return items
}
