// The best few of many items, one offered after another: nothing is made for those that are not among them.

export class TopItems {
  readonly #most: number
  readonly #items: number[] = []
  readonly #scores: number[] = []

  /** @param most items kept, at least one. */
  constructor(most: number) {
    this.#most = most
  }

  /** The highest scores first; of equal ones the smaller item number. */
  get items(): readonly number[] {
    return this.#items
  }

  /** Whether an item of this score would be kept now. */
  wouldKeep(item: number, score: number): boolean {
    return this.#items.length < this.#most || this.#isBefore(item, score, this.#most - 1)
  }

  /** @param item one that was not offered before. */
  offer(item: number, score: number): void {
    if (!this.wouldKeep(item, score)) return
    const [items, scores] = [this.#items, this.#scores]
    let place = Math.min(items.length, this.#most - 1)
    for (; place > 0 && this.#isBefore(item, score, place - 1); place--) {
      items[place] = items[place - 1]!
      scores[place] = scores[place - 1]!
    }
    items[place] = item
    scores[place] = score
  }

  #isBefore(item: number, score: number, place: number): boolean {
    const other = this.#scores[place]!
    return score > other || (score === other && item < this.#items[place]!)
  }
}
