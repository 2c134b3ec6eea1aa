// The new items nearest to a session, which are candidates whether or not generation comes to them. A few are
// all looked at; of many, a search among new items alone finds those that the model thinks most probable. Where
// 31,000 of 100,000 items were new, to look at each took a request from 1.6 to 15 ms; this takes it to 1.9
// (two busy cores, 2026-11).
import { beamSearch } from '#shared/inference/beam-search.ts'
import { decodeSession, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { isAllowed, type Limits } from './limits.ts'
import { TopItems } from './top-items.ts'

const candidates = 20
/** New items that are all looked at; more take longer than the search. */
const fewItems = 1000

/** Items by number: a set, or what grows while the release answers. */
export interface NewItems extends Iterable<number> {
  readonly size: number
  has(item: number): boolean
}

export interface NewItemQuestion {
  readonly decoder: TokenDecoder
  readonly newItems: NewItems
  /** [D] */
  readonly state: Float32Array
  readonly limits: Limits
  logitOf(item: number): number
}

/** At most twenty. */
export function nearestNew(question: NewItemQuestion): readonly number[] {
  return question.newItems.size <= fewItems ? nearestOfAll(question) : mostProbable(question)
}

function nearestOfAll({ newItems, limits, logitOf }: NewItemQuestion): readonly number[] {
  const best = new TopItems(candidates)
  for (const item of newItems) if (isAllowed(item, limits)) best.offer(item, logitOf(item))
  return best.items
}

function mostProbable({ decoder, newItems, state, limits }: NewItemQuestion): readonly number[] {
  const { trie } = decoder
  return beamSearch({
    trie,
    scorer: decodeSession(decoder, state),
    exclusions: new Exclusions(trie, limits.excluded, newAmong(newItems, limits.filter)),
    width: candidates
  }).map(({ item }) => item)
}

/** Filters that were made, since a filter is counted at the nodes of the trie once. */
const made = new WeakMap<NewItems, WeakMap<ItemFilter | NewItems, ItemFilter>>()

/** The new items that pass a filter, or all of them. */
function newAmong(newItems: NewItems, filter: ItemFilter | undefined): ItemFilter {
  const ofThese = made.get(newItems) ?? new WeakMap<ItemFilter | NewItems, ItemFilter>()
  made.set(newItems, ofThese)
  const known = ofThese.get(filter ?? newItems)
  if (known) return known
  const passes = (item: number) => newItems.has(item) && filter?.passes(item) !== false
  const combined = new ItemFilter(passes)
  ofThese.set(filter ?? newItems, combined)
  return combined
}
