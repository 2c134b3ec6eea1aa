// A release that answers: its recommender, its filters, what keeps its items up with the catalogue, and
// the answers that it still owes when another takes its place.
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import type {
  RecommendationAnswer,
  RecommendationQuery,
  Recommender,
  ThreadLoad
} from '#shared/recommendations/recommender.ts'
import type { CatalogueState, FollowedCatalogue } from './follow-catalogue.ts'
import { createPatience, type Patience } from './in-time.ts'
import type { ItemFilters } from './item-filters.ts'

/** A question before it is known which release answers it. */
export interface LiveQuery extends Omit<RecommendationQuery, 'only'> {
  /** What all items of the answer must be like. */
  readonly filter?: ItemCondition | undefined
  /** How long it waits for the items that pass; as item-filters.ts says when absent. */
  readonly patience?: Patience
}

export class HeldRecommender {
  readonly releaseId: string
  readonly #recommender: Recommender
  readonly #filters: ItemFilters
  readonly #followed: FollowedCatalogue
  readonly #owed = new Set<Promise<unknown>>()

  constructor(
    releaseId: string,
    recommender: Recommender,
    { filters, followed }: { readonly filters: ItemFilters; readonly followed: FollowedCatalogue }
  ) {
    this.releaseId = releaseId
    this.#recommender = recommender
    this.#filters = filters
    this.#followed = followed
  }

  async recommend(query: LiveQuery): Promise<RecommendationAnswer> {
    const answer = this.#answer(query)
    this.#owed.add(answer)
    try {
      return await answer
    } finally {
      this.#owed.delete(answer)
    }
  }

  async #answer({
    filter,
    patience = createPatience(undefined),
    ...query
  }: LiveQuery): Promise<RecommendationAnswer> {
    if (!filter) return this.#recommender.recommend(query)
    const only = await patience(this.#filters.of(filter), 'the items of this filter')
    return this.#recommender.recommend({ ...query, only })
  }

  knows(key: string): boolean {
    return this.#recommender.knows(key)
  }

  hasCategories(): boolean {
    return this.#recommender.hasCategories()
  }

  isLiving(): boolean {
    return this.#recommender.isLiving()
  }

  refreshItems(): Promise<void> {
    return this.#followed.refresh()
  }

  catalogueState(): CatalogueState {
    return this.#followed.state()
  }

  load(): ThreadLoad {
    return this.#recommender.load()
  }

  async retire(): Promise<void> {
    await Promise.allSettled(this.#owed)
    await this.#recommender.close()
  }
}
