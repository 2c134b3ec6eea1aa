// Holds the recommender of the live release. A newer release is loaded beside it and then takes
// over; requests that the old one has begun are answered before it closes. A release that cannot be
// loaded changes nothing: the one before it goes on answering, or, where there is none, the newest before
// it that can be loaded.
import type { Pool } from '#shared/database/pool.ts'
import type {
  RecommendationAnswer,
  Recommender,
  ThreadLoad
} from '#shared/recommendations/recommender.ts'
import { type AnnouncedRelease, listReleases, liveRelease } from '#shared/releases/registry.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type CatalogueState, followCatalogue } from './follow-catalogue.ts'
import { HeldRecommender, type LiveQuery } from './held-recommender.ts'
import { createItemFilters } from './item-filters.ts'

export interface LiveRecommender {
  /** Id of the release that answers now; undefined while none is loaded. */
  releaseId(): string | undefined
  /** The newest release, when it could not be loaded, and why. */
  refused?(): RefusedRelease | undefined
  /** A release that is being loaded; the one before it answers meanwhile, if there is one. */
  loading?(): LoadingRelease | undefined
  /** How busy the recommender is; undefined while no release is loaded. */
  load?(): ThreadLoad | undefined
  /** Whether the release that answers now has the item of this key. */
  knows?(key: string): boolean
  /** Takes in what has changed in the catalogue; what is committed now is seen by later questions. */
  refreshItems?(): Promise<void>
  /** Of the release that answers now: what became of new items; undefined while there is none. */
  catalogueState?(): CatalogueState | undefined
  /** Whether the release that answers now knows categories of items; true while there is none. */
  hasCategories?(): boolean
  /**
   * @throws RELEASE_NOT_FOUND, worth a retry, while no release is loaded, and what
   *   Recommender.recommend throws.
   */
  recommend(query: LiveQuery): Promise<RecommendationAnswer>
}

export interface LoadingRelease {
  readonly releaseId: string
  /** Items that changed since it was trained and were taken in so far. */
  readonly items: number
}

export interface RefusedRelease {
  readonly releaseId: string
  readonly reason: string
}

export interface FollowFacts {
  readonly pool: Pool
  readonly log: Logger
  /** Starts a recommender on a release's folder. */
  readonly start: (folder: string) => Promise<Recommender>
}

/** A refused release is tried again after this time: its files may only be late. */
const retryMs = 30_000
/** Between two lines of the log that say how far a release has come. */
const itemsPerLine = 20_000

/** Follows the registry. The caller says when to look, one look at a time, and closes at the end. */
export class FollowedRelease implements LiveRecommender {
  readonly #facts: FollowFacts
  #held: HeldRecommender | undefined
  #refused: (RefusedRelease & { readonly at: number }) | undefined
  #loading: LoadingRelease | undefined
  #isWaiting = false

  constructor(facts: FollowFacts) {
    this.#facts = facts
  }

  releaseId(): string | undefined {
    return this.#held?.releaseId
  }

  async recommend(query: LiveQuery): Promise<RecommendationAnswer> {
    const held = this.#held
    if (!held) {
      throw new RecommenderError('RELEASE_NOT_FOUND', 'no release is loaded', { canRetry: true })
    }
    return held.recommend(query)
  }

  knows(key: string): boolean {
    return this.#held?.knows(key) ?? false
  }

  hasCategories(): boolean {
    return this.#held?.hasCategories() ?? true
  }

  async refreshItems(): Promise<void> {
    await this.#held?.refreshItems()
  }

  catalogueState(): CatalogueState | undefined {
    return this.#held?.catalogueState()
  }

  refused(): RefusedRelease | undefined {
    if (!this.#refused) return undefined
    const { releaseId, reason } = this.#refused
    return { releaseId, reason }
  }

  loading(): LoadingRelease | undefined {
    return this.#loading
  }

  load(): ThreadLoad | undefined {
    return this.#held?.load()
  }

  /**
   * Loads the registry's live release, unless it already answers or was refused just now. One that no
   * longer takes in changes of the catalogue is loaded anew.
   */
  async refresh(): Promise<void> {
    const live = await liveRelease(this.#facts.pool)
    if (!live) return this.#sayWaiting()
    const held = this.#held
    if ((live.releaseId === held?.releaseId && held.isLiving()) || this.#isRefused(live)) return
    const refused = await this.#reasonAgainst(live)
    this.#refused = refused
    if (refused) await this.#fallBack()
  }

  /** Swaps a release in. @returns why that could not be. */
  async #reasonAgainst(release: AnnouncedRelease) {
    const { releaseId } = release
    try {
      await this.#swapIn(release)
      return undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#facts.log.error({ release: releaseId, err: error }, 'release refused')
      return { releaseId, reason, at: performance.now() }
    } finally {
      this.#loading = undefined
    }
  }

  /**
   * The live release is no use. Where none answers, the newest that was live before it and can be loaded
   * does; where one does that no longer takes in changes, it is loaded anew.
   */
  async #fallBack(): Promise<void> {
    const held = this.#held
    if (held?.isLiving()) return
    for (const release of await listReleases(this.#facts.pool)) {
      if (release.state !== 'retired' || (held && release.releaseId !== held.releaseId)) continue
      if (!(await this.#reasonAgainst(release))) return
    }
  }

  async close(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held?.retire()
  }

  #sayWaiting(): void {
    if (this.#held || this.#isWaiting) return
    this.#isWaiting = true
    this.#facts.log.warn('no release is live yet: waiting for the trainer to publish one')
  }

  #isRefused({ releaseId }: AnnouncedRelease): boolean {
    const refused = this.#refused
    return refused?.releaseId === releaseId && performance.now() - refused.at < retryMs
  }

  async #swapIn({ releaseId, location }: AnnouncedRelease): Promise<void> {
    const startedAt = performance.now()
    const next = await this.#hold(releaseId, location)
    const previous = this.#held
    this.#held = next
    const seconds = Math.round(performance.now() - startedAt) / 1000
    this.#facts.log.info(
      { release: releaseId, previous: previous?.releaseId, seconds },
      'release loaded'
    )
    await previous?.retire()
  }

  #sayLoading(loading: LoadingRelease): void {
    const { releaseId, items } = loading
    const before = this.#loading?.items ?? 0
    this.#loading = loading
    if (Math.floor(items / itemsPerLine) === Math.floor(before / itemsPerLine)) return
    this.#facts.log.info({ release: releaseId, items }, 'taking in what changed since the training')
  }

  async #hold(releaseId: string, location: string): Promise<HeldRecommender> {
    const { pool, log } = this.#facts
    const onProgress = (items: number) => this.#sayLoading({ releaseId, items })
    onProgress(0)
    const recommender = await this.#facts.start(location)
    try {
      const { catalogue, select } = recommender
      const followed = await followCatalogue({ pool, log, releaseId, catalogue, onProgress })
      const filters = createItemFilters({ pool, select, versionOf: followed.version })
      return new HeldRecommender(releaseId, recommender, { filters, followed })
    } catch (error) {
      await recommender.close()
      throw error
    }
  }
}
