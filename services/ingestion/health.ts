// Knows a consumer that is stuck from one that has nothing to do.
//
// The rule. Every few seconds each partition of the topics is looked at: where it ends in Kafka, and
// which offset Postgres has for our group. What lies between is the lag. A partition makes headway when
// a batch of it is committed, when the offset is seen to have moved, or when nothing lags. Then
//
//   starting   reading has not begun, or nothing was ever looked at: Postgres has yet to answer
//   away       Kafka or Postgres did not answer the last looks: nobody can know, and no restart helps
//   stuck      a partition that is ours has lagged for `stuckMs` without headway, although both answer;
//              or reading has not begun for that long
//   standby    we are a member, and have no partition: others read
//   idle       ours are read to their end
//   reading    ours lag, and make headway
//
// Time in which Kafka or Postgres did not answer does not count: `stuckMs` begin anew when both do again.
// Only `stuck` is a reason to restart the process: /health/live answers 503 then. /health/ready answers
// 503 also while starting and away. A lag alone is neither: it is in /metrics, for an alarm to judge.

export interface PartitionPlace {
  readonly topic: string
  readonly partition: number
}

/** What a look has seen of one partition. */
export interface PartitionLook extends PartitionPlace {
  /** The oldest message that Kafka still has. */
  readonly oldest: number
  /** The offset that the next message will get. */
  readonly next: number
  /** The next offset that Postgres has for our group; `undefined` when it has none. */
  readonly stored: number | undefined
}

export interface PartitionLag extends PartitionPlace {
  readonly lag: number
  readonly isOurs: boolean
}

export const healthStatuses = ['starting', 'away', 'stuck', 'standby', 'idle', 'reading'] as const
export type HealthStatus = (typeof healthStatuses)[number]

export interface Health {
  readonly status: HealthStatus
  /** Partitions without headway, when the status is `stuck`; none when reading has not begun. */
  readonly stuck?: readonly (PartitionPlace & { readonly lag: number; readonly seconds: number })[]
}

export interface HeadwayOptions {
  readonly stuckMs: number
  /** Without a successful look for this long, Kafka or Postgres counts as away. */
  readonly blindMs: number
  /** Milliseconds of a steady clock. */
  readonly now?: () => number
}

interface Progress extends PartitionPlace {
  /** As far as we know this partition is done. */
  offset: number
  lag: number
  /** When it last made headway. */
  movedAt: number
}

/** Remembers what was read and seen, and judges it. */
export class Headway {
  readonly #options: HeadwayOptions
  readonly #now: () => number
  readonly #partitions = new Map<string, Progress>()
  #ours = new Set<string>()
  #isReading = false
  #hasLooked = false
  #waitsSince: number
  #lookedAt: number

  constructor(options: HeadwayOptions) {
    this.#options = options
    this.#now = options.now ?? performance.now.bind(performance)
    this.#waitsSince = this.#now()
    this.#lookedAt = this.#now()
  }

  /** The group has given us these partitions, and no others. */
  assigned(places: readonly PartitionPlace[]): void {
    this.#ours = new Set(places.map(keyOf))
    for (const place of places) this.#progress(place).movedAt = this.#now()
  }

  /** Reading has begun: the places of all that was assigned are known. */
  started(): void {
    this.#isReading = true
  }

  /** Everything before this offset is committed, or needs no commit. */
  moved(place: PartitionPlace, to: number): void {
    const progress = this.#progress(place)
    progress.lag = Math.max(0, progress.lag - Math.max(0, to - progress.offset))
    progress.offset = Math.max(progress.offset, to)
    progress.movedAt = this.#now()
  }

  /** Takes in what a look at all partitions has seen. */
  looked(looks: readonly PartitionLook[]): void {
    if (this.#isBlind() || !this.#hasLooked) this.#beginAnew()
    this.#hasLooked = true
    this.#lookedAt = this.#now()
    for (const look of looks) {
      const progress = this.#progress(look)
      const offset = Math.max(look.stored ?? 0, look.oldest, progress.offset)
      const isShorter = look.next < offset // the topic was made anew
      const lag = isShorter ? look.next - look.oldest : look.next - offset
      if (offset > progress.offset || isShorter || lag === 0) progress.movedAt = this.#now()
      progress.offset = isShorter ? look.oldest : offset
      progress.lag = lag
    }
  }

  /** How far each partition is behind, as of the last look and the batches since. */
  lags(): PartitionLag[] {
    return Array.from(this.#partitions.values(), ({ topic, partition, lag }) => {
      return { topic, partition, lag, isOurs: this.#ours.has(keyOf({ topic, partition })) }
    })
  }

  /** The rule above. */
  health(): Health {
    const { stuckMs } = this.#options
    const now = this.#now()
    if (this.#isBlind()) return { status: 'away' }
    if (!this.#isReading || !this.#hasLooked) {
      return now - this.#waitsSince > stuckMs
        ? { status: 'stuck', stuck: [] }
        : { status: 'starting' }
    }
    const ours = [...this.#partitions].filter(([key]) => this.#ours.has(key)).map(([, own]) => own)
    const stuck = ours.filter(({ lag, movedAt }) => lag > 0 && now - movedAt > stuckMs)
    if (stuck.length > 0) {
      return {
        status: 'stuck',
        stuck: stuck.map(({ topic, partition, lag, movedAt }) => {
          return { topic, partition, lag, seconds: Math.round((now - movedAt) / 1000) }
        })
      }
    }
    if (ours.length === 0) return { status: 'standby' }
    return { status: ours.some(({ lag }) => lag > 0) ? 'reading' : 'idle' }
  }

  #isBlind(): boolean {
    return this.#now() - this.#lookedAt > this.#options.blindMs
  }

  #beginAnew(): void {
    this.#waitsSince = this.#now()
    for (const progress of this.#partitions.values()) progress.movedAt = this.#now()
  }

  #progress({ topic, partition }: PartitionPlace): Progress {
    const key = keyOf({ topic, partition })
    const known = this.#partitions.get(key)
    if (known) return known
    const fresh = { topic, partition, offset: 0, lag: 0, movedAt: this.#now() }
    this.#partitions.set(key, fresh)
    return fresh
  }
}

function keyOf({ topic, partition }: PartitionPlace): string {
  return `${topic}/${partition}`
}
