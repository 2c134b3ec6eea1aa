// Reads topics as a member of a consumer group, from the places that the caller has kept.
//
//   joined ──► paused ──► places looked up ──► sought ──► resumed ──► batch ──► batch ──► …
//     ▲                                          ▲                      │ not committed:
//     └── the group rebalances                   └── looked up again ◄──┘ somebody else was here
//
// Partitions are paused at the moment they are assigned, before anything is fetched, until the
// caller has said where each begins. From then on this file holds the next offset of each partition
// in memory and hands it to the caller with the batch, who commits only if it still is the true one.
//
// Reading runs ahead of committing: while Postgres writes one batch, the next is fetched and decoded.
// The batches of a partition are committed in their order (`isNext`), all of them or none behind the
// first that was not: that one's place is looked up again, which begins a new stretch of reading, and
// what was read in an earlier stretch is void. At most `batchesAtOnce` are in work, so memory does not
// depend on how much waits in Kafka.
// A fetch may be more than a batch should be, when it was packed: it is cut, and its parts are batches, one
// behind the other. Whether the log is still the one that was read before, the first message tells
// (known-log.ts).
// What Kafka itself keeps as the group's offset is told to it afterwards, for the eyes of monitoring
// tools; it is never read.
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { KeptPlace, LastMessage } from '#shared/eventlog/consumer-offsets.ts'
import { toKafkaError } from '#shared/messaging/kafka-error.ts'
import { kafkaRetry } from '#shared/messaging/kafka-retry.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { cutMessages } from './cut-messages.ts'
import { lookAtLog } from './known-log.ts'

export interface Place {
  readonly topic: string
  readonly partition: number
}

export interface Batch extends Place {
  /** At least one. */
  readonly messages: readonly KafkaMessage[]
  /** The offset that was read from: what the caller committed last; `undefined` if nothing. */
  readonly from: number | undefined
  /** The offset to go on from once this batch is committed. */
  readonly to: number
  /** The newest of the messages: to be kept with `to`. */
  readonly last: LastMessage
  /** False once the consumer is stopping or has lost its place in the group. */
  isWanted(): boolean
  /**
   * Waits until the partition's earlier batches are committed. False when this one must not be: it is
   * void, and will be read again or by somebody else.
   */
  isNext(): Promise<boolean>
}

export interface ConsumerTask {
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly log: Logger
  /**
   * The place that the caller has kept for a partition; `undefined` to begin at the oldest. It may
   * throw once the answer is no longer wanted.
   */
  findPlace(place: Place, isWanted: () => boolean): Promise<KeptPlace | undefined>
  /**
   * Takes one batch, while earlier ones may still be in work; asks `isNext` before it commits.
   *
   * @returns whether it was committed; if not, the place is looked up again.
   */
  onBatch(batch: Batch): Promise<boolean>
  /** Told each new assignment, which may be empty. */
  onAssigned?(places: readonly Place[]): void
  /** Told the next offset when messages were passed over: rolled back, or marks of transactions. */
  onPassed?(place: Place, to: number): void
}

export interface RunningConsumer {
  /** Resolves when the group has given us our first partitions and reading has begun. */
  readonly started: Promise<void>
  /** Rejects when reading ended for a reason that does not pass by itself. Never resolves. */
  readonly failed: Promise<never>
  /** Finishes the batches in work, leaves the group and disconnects. */
  stop(): Promise<void>
}

/** How long a fetch waits for messages: also how late a stop or a new assignment is noticed. */
const fetchWaitMs = 500
/** kafkajs sends a heartbeat only between batches; while one waits we do, so that it may be long. */
const heartbeatMs = 1000

/** Batches in work: one that Postgres writes, one that waits for it, and one that is decoded. */
export const batchesAtOnce = 3
/** The larger a batch, the less its transaction costs for each event; all of it is in memory. */
const batchBytes = 4 * 2 ** 20
/** Short messages cost by their number: so many take about a second. */
const batchMessages = 20_000
/** Of all partitions of one broker together. */
const fetchBytes = 3 * batchBytes

/** Joins the group and begins to read. */
export async function startConsumer(kafka: Kafka, task: ConsumerTask): Promise<RunningConsumer> {
  const consumer = kafka.consumer({
    groupId: task.group,
    sessionTimeout: task.sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytesPerPartition: batchBytes,
    maxBytes: fetchBytes,
    allowAutoTopicCreation: false,
    retry: kafkaRetry // a consumer does not take the client's
  })
  const reader = new GroupReader(consumer, task)
  await consumer.connect()
  await consumer.subscribe({ topics: [...task.topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: payload => reader.readBatch(payload)
  })
  return reader
}

type Assigned = readonly { readonly topic: string; readonly partitions: number[] }[]

class GroupReader implements RunningConsumer {
  readonly started: Promise<void>
  readonly failed: Promise<never>
  readonly #consumer: Consumer
  readonly #task: ConsumerTask
  /** By topic and partition: the offset to go on from. Only partitions that are being read. */
  readonly #places = new Map<string, number | undefined>()
  /** By topic and partition: the message by which the log is known, until it was seen. */
  readonly #lasts = new Map<string, LastMessage>()
  /** By topic and partition: counts how often its place was looked up. */
  readonly #stretches = new Map<string, number>()
  /** The batches in work; these never reject. */
  readonly #works = new Set<Promise<void>>()
  /** By topic and partition: its newest batch, in work or done. */
  readonly #newestWork = new Map<string, Promise<void>>()
  #hasFailed = false
  /** Counts what the group gave us; work begun under an earlier assignment is void. */
  #assignment = 0
  #isStopping = false
  #start: () => void = () => {}
  #fail: (error: unknown) => void = () => {}

  constructor(consumer: Consumer, task: ConsumerTask) {
    this.#consumer = consumer
    this.#task = task
    this.started = new Promise(resolve => {
      this.#start = resolve
    })
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {}) // whoever asks for it hears of it, but nobody has to ask
    consumer.on('consumer.group_join', ({ payload }) => this.#onAssigned(payload.memberAssignment))
    consumer.on('consumer.end_batch_process', ({ payload }) => {
      const { topic, partition, batchSize, lastOffset } = payload
      if (batchSize === 0) task.onPassed?.({ topic, partition }, Number(lastOffset) + 1)
    })
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) this.#fail(toKafkaError(payload.error))
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#consumer.disconnect()
    await this.#settled()
  }

  /** kafkajs calls this before it fetches anything of the new assignment, and does not wait for it. */
  #onAssigned(assignment: Readonly<Record<string, number[]>>): void {
    const assigned = Object.entries(assignment).map(([topic, partitions]) => ({
      topic,
      partitions
    }))
    this.#task.onAssigned?.(
      assigned.flatMap(({ topic, partitions }) =>
        partitions.map(partition => ({ topic, partition }))
      )
    )
    this.#places.clear()
    this.#consumer.pause(assigned)
    const number = ++this.#assignment
    const isWanted = () => number === this.#assignment && !this.#isStopping
    this.#seekAll(assigned, isWanted).catch(error => isWanted() && this.#fail(error))
  }

  async #seekAll(assigned: Assigned, isWanted: () => boolean): Promise<void> {
    await this.#settled() // what was begun under the earlier assignment may still move an offset
    for (const { topic, partitions } of assigned) {
      for (const partition of partitions) {
        const offset = await this.#task.findPlace({ topic, partition }, isWanted)
        if (!isWanted()) return
        this.#seek({ topic, partition }, offset)
      }
    }
    this.#consumer.resume([...assigned])
    this.#task.log.info({ assigned }, 'reading partitions')
    this.#start()
  }

  /** An offset that Kafka no longer has, or never had, is out of range: kafkajs takes the oldest. */
  #seek(place: Place, kept: KeptPlace | undefined): void {
    const key = keyOf(place)
    this.#places.set(key, kept?.next)
    if (kept?.last) this.#lasts.set(key, kept.last)
    else this.#lasts.delete(key)
    this.#goTo(place, kept?.last?.offset ?? kept?.next ?? 0)
  }

  /** What was read of the partition until now is void. */
  #goTo({ topic, partition }: Place, offset: number): void {
    const key = keyOf({ topic, partition })
    this.#stretches.set(key, (this.#stretches.get(key) ?? 0) + 1)
    this.#consumer.seek({ topic, partition, offset: String(offset) })
  }

  /** @returns whether the partition has been ours, and its place known, without a break since this call. */
  #stretchOf(key: string): () => boolean {
    const [number, stretch] = [this.#assignment, this.#stretches.get(key)]
    return () => number === this.#assignment && stretch === this.#stretches.get(key)
  }

  /** Begins to work on what was fetched, and returns as soon as more may be read. */
  async readBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition } = payload.batch
    const key = keyOf({ topic, partition })
    const isSameStretch = this.#stretchOf(key)
    const isOurs = () => isSameStretch() && this.#places.has(key) && !payload.isStale()
    // Fetched before its place was known: it will be fetched again from there.
    if (!isOurs()) return
    const lastOffset = Number(payload.batch.lastOffset())
    const parts = cutMessages(this.#unread(payload), { bytes: batchBytes, messages: batchMessages })
    for (const [index, messages] of parts.entries()) {
      if (index > 0) await payload.heartbeat() // throws when the group rebalances: kafkajs joins it anew
      await this.#waitForRoom(payload)
      if (!isOurs() || !payload.isRunning()) return
      const isLast = index === parts.length - 1
      const to = 1 + (isLast ? lastOffset : Number(messages.at(-1)!.offset))
      this.#begin(payload, this.#toBatch(payload, messages, to))
    }
    if (parts.length === 0 && isOurs()) payload.resolveOffset(String(lastOffset))
  }

  #begin(payload: EachBatchPayload, batch: Batch): void {
    const key = keyOf(batch)
    this.#places.set(key, batch.to)
    payload.resolveOffset(String(batch.to - 1))
    const work = this.#work(payload, batch).finally(() => this.#works.delete(work))
    this.#works.add(work)
    this.#newestWork.set(key, work)
  }

  /** The messages from the place on; none when the log is another one, which is read from its oldest. */
  #unread({ batch: { topic, partition, messages } }: EachBatchPayload): readonly KafkaMessage[] {
    const key = keyOf({ topic, partition })
    const last = this.#lasts.get(key)
    this.#lasts.delete(key)
    const next = this.#places.get(key) ?? 0
    const look = lookAtLog(last, next, messages[0]!)
    if (look === 'other') {
      this.#goTo({ topic, partition }, 0) // where it is a shorter one
      return []
    }
    if (look === 'shorter') {
      this.#task.log.warn(
        { topic, partition, kept: next },
        'another log than was read before: reading it from its oldest message'
      )
      return messages
    }
    return last ? messages.filter(({ offset }) => Number(offset) >= next) : messages
  }

  /** While it waits, the group hears from us; when it does not, that shows at the next fetch. */
  async #waitForRoom({ heartbeat }: EachBatchPayload): Promise<void> {
    const timer = setInterval(() => heartbeat().catch(() => {}), heartbeatMs)
    while (this.#works.size >= batchesAtOnce) await Promise.race(this.#works)
    clearInterval(timer)
  }

  #toBatch(payload: EachBatchPayload, messages: readonly KafkaMessage[], to: number): Batch {
    const { topic, partition } = payload.batch
    const key = keyOf({ topic, partition })
    const isSameStretch = this.#stretchOf(key)
    const isOurs = () => isSameStretch() && !this.#hasFailed
    const earlier = this.#newestWork.get(key)
    return {
      topic,
      partition,
      messages,
      from: this.#places.get(key),
      to,
      last: toLastMessage(messages.at(-1)!),
      isWanted: () => isOurs() && payload.isRunning(),
      isNext: async () => {
        await earlier
        return isOurs()
      }
    }
  }

  async #work(payload: EachBatchPayload, batch: Batch): Promise<void> {
    const { topic, partition } = batch
    try {
      const isCommitted = await this.#task.onBatch(batch)
      if (isCommitted) await this.#tellKafka(payload, batch)
      else if (batch.isWanted())
        this.#seek(batch, await this.#task.findPlace(batch, batch.isWanted))
    } catch (error) {
      if (batch.isWanted()) this.#giveUp(payload, error)
      else this.#task.log.info({ err: error, topic, partition }, 'left a batch to its next reader')
    }
  }

  async #tellKafka(payload: EachBatchPayload, { topic, partition, to }: Batch): Promise<void> {
    const offsets = { topics: [{ topic, partitions: [{ partition, offset: String(to) }] }] }
    await payload
      .commitOffsetsIfNecessary(offsets)
      .catch(error => this.#task.log.debug({ err: error }, 'Kafka was not told the offset'))
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#works)
  }

  /** Reads no further and lets the program end: to go on would be to skip the batch. */
  #giveUp(payload: EachBatchPayload, error: unknown): void {
    this.#hasFailed = true
    payload.pause()
    this.#fail(error)
  }
}

function toLastMessage({ offset, timestamp }: KafkaMessage): LastMessage {
  return { offset: Number(offset), timestamp }
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
