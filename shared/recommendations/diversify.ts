// Spreads an answer over categories. Items are chosen one after another, each time the one that gains
// most, where an item gains its score, made less by what was chosen before it:
//
//   gain(i) = score(i) x mean over the levels l of i's categories of (1 - diversity)^(items chosen
//             already that have the same category at level l)
//
// It is the gain of alpha-nDCG, chosen greedily as its authors build their ideal order, with a
// category as what they call a nugget, diversity as alpha and the score as the relevance:
// Clarke, Kolla, Cormack, Vechtomova, Ashkan, Buettcher, MacKinnon 2008, Novelty and Diversity in
// Information Retrieval Evaluation (SIGIR).
//
// Scores may be multiplied by anything without a change, and there is no second number to choose.
// Maximal marginal relevance (Carbonell and Goldstein 1998), the usual method, takes the same off an
// item whether one or nine of its category were chosen, and with the sum of scores and similarities
// the effect of its number depends on how large scores happen to be.

/** The categories of all items, one for each level of the category tree that tells items apart. */
export interface ItemCategories {
  /** At least one. */
  readonly levels: number
  /** [items, levels] a number for each category of a level; -1 where the item's path is too short. */
  readonly classes: Int32Array
}

export interface Spread<T> {
  readonly categories: ItemCategories
  /** In [0, 1]: 0 changes nothing; with 1 a category that was had counts for nothing more. */
  readonly diversity: number
  readonly count: number
  /** Of these everything is chosen already; they are not returned. */
  readonly chosen?: Iterable<number>
  readonly itemOf: (candidate: T) => number
}

/**
 * How many candidates to choose from, beside those that were shown: three for each item wanted, and
 * forty at least. More cost a wider search, and scores that low are rarely worth a place.
 */
export function candidatesWanted(count: number): number {
  return count + Math.max(40, 3 * count)
}

/**
 * @param ranked the best first, scores not below zero.
 * @returns at most `count` of them, in the order in which they were chosen. Of equal gains the
 *   candidate comes first that has fewer of its categories before it, and then the one ranked higher.
 */
export function diversify<T extends { readonly score: number }>(
  ranked: readonly T[],
  { categories, diversity, count, chosen = [], itemOf }: Spread<T>
): T[] {
  const had = new Map<number, number>()
  const add = (names: readonly number[]) => {
    for (const name of names) had.set(name, (had.get(name) ?? 0) + 1)
  }
  for (const item of chosen) add(categoriesOf(categories, item))
  const left = ranked.map(candidate => ({
    candidate,
    names: categoriesOf(categories, itemOf(candidate))
  }))
  const answer: T[] = []
  while (answer.length < count && left.length > 0) {
    const worths = left.map(({ candidate, names }) =>
      worthOf(candidate.score, names, had, diversity)
    )
    const [next] = left.splice(bestPlace(worths), 1)
    add(next!.names)
    answer.push(next!.candidate)
  }
  return answer
}

/** A name for the category of each level. Items without any have one of their own, all the same. */
function categoriesOf({ levels, classes }: ItemCategories, item: number): number[] {
  const names: number[] = []
  for (let level = 0; level < levels; level++) {
    const category = classes[item * levels + level] ?? -1 // an item may be newer than the release
    if (category >= 0) names.push(category * levels + level)
  }
  return names.length > 0 ? names : [-1]
}

interface Worth {
  readonly gain: number
  /** Items of the same categories that were chosen already, over all levels. */
  readonly before: number
}

function worthOf(
  score: number,
  names: readonly number[],
  had: ReadonlyMap<number, number>,
  diversity: number
): Worth {
  let [before, novelty] = [0, 0]
  for (const name of names) {
    const count = had.get(name) ?? 0
    before += count
    novelty += (1 - diversity) ** count
  }
  return { gain: (score * novelty) / names.length, before }
}

function bestPlace(worths: readonly Worth[]): number {
  return worths.reduce((best, { gain, before }, place) => {
    const most = worths[best]!
    return gain > most.gain || (gain === most.gain && before < most.before) ? place : best
  }, 0)
}
