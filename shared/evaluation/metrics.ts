// Ranking quality with one relevant item for each question: the item clicked next.

/** Averages over all targets, in [0, 1]; a target that is not listed counts as missed. */
export interface Metrics {
  readonly targets: number
  /** Share of targets among the first ten. */
  readonly recallAt10: number
  /** 1 / log2(1 + place) of targets among the first ten. */
  readonly ndcgAt10: number
  /** Share of targets among the first twenty. */
  readonly recallAt20: number
  /** 1 / place of targets among the first twenty. */
  readonly mrrAt20: number
  /** Share of the catalogue that appears among the first ten of any list. */
  readonly coverageAt10: number
}

/** Sums up one list after another. */
export class MetricsSum {
  readonly #itemCount: number
  readonly #shown = new Set<number>()
  #targets = 0
  #recall10 = 0
  #ndcg10 = 0
  #recall20 = 0
  #mrr20 = 0

  constructor(itemCount: number) {
    this.#itemCount = itemCount
  }

  /** @param list items by falling score, without repeats; the first twenty are read. */
  add(list: readonly number[], target: number): void {
    this.#targets++
    for (const item of list.slice(0, 10)) this.#shown.add(item)
    const place = list.indexOf(target)
    if (place < 0 || place >= 20) return
    this.#recall20++
    this.#mrr20 += 1 / (place + 1)
    if (place >= 10) return
    this.#recall10++
    this.#ndcg10 += 1 / Math.log2(place + 2)
  }

  average(): Metrics {
    const targets = Math.max(1, this.#targets)
    return {
      targets: this.#targets,
      recallAt10: this.#recall10 / targets,
      ndcgAt10: this.#ndcg10 / targets,
      recallAt20: this.#recall20 / targets,
      mrrAt20: this.#mrr20 / targets,
      coverageAt10: this.#shown.size / this.#itemCount
    }
  }
}
