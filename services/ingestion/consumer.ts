// Reads topics as a member of a consumer group, from the places that the caller has kept.
//
//   joined ──► paused ──► places looked up ──► sought ──► resumed ──► batch ──► batch ──► …
//     ▲                                          ▲                      │ not committed:
//     └── the group rebalances                   └── looked up again ◄──┘ somebody else was here
//
// Partitions are paused at the moment they are assigned, before anything is fetched, until the
// caller has said where each begins. From then on this file holds the next offset of each partition
// in memory and hands it to the caller with the batch, who commits only if it still is the true one.
// What Kafka itself keeps as the group's offset is told to it afterwards, for the eyes of monitoring
// tools; it is never read.
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '#shared/runtime/logging.ts'
import { toKafkaError } from './kafka-error.ts'
import { kafkaRetry } from './kafka-retry.ts'

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
  /** False once the consumer is stopping or has lost its place in the group. */
  isWanted(): boolean
}

export interface ConsumerTask {
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly log: Logger
  /**
   * The offset that the caller has kept for a partition; `undefined` to begin at the oldest. It may
   * throw once the answer is no longer wanted.
   */
  findPlace(place: Place, isWanted: () => boolean): Promise<number | undefined>
  /**
   * Takes one batch; batches come one at a time.
   *
   * @returns whether it was committed; if not, the place is looked up again.
   */
  onBatch(batch: Batch): Promise<boolean>
}

export interface RunningConsumer {
  /** Resolves when the group has given us our first partitions and reading has begun. */
  readonly started: Promise<void>
  /** Rejects when reading ended for a reason that does not pass by itself. Never resolves. */
  readonly failed: Promise<never>
  /** Finishes the batch in hand, leaves the group and disconnects. */
  stop(): Promise<void>
}

/** How long a fetch waits for messages: also how late a stop or a new assignment is noticed. */
const fetchWaitMs = 500
/** kafkajs sends a heartbeat only between batches; during one we do, so that it may be slow. */
const heartbeatMs = 1000

/** Joins the group and begins to read. */
export async function startConsumer(kafka: Kafka, task: ConsumerTask): Promise<RunningConsumer> {
  const consumer = kafka.consumer({
    groupId: task.group,
    sessionTimeout: task.sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: fetchWaitMs,
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
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) this.#fail(toKafkaError(payload.error))
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#consumer.disconnect()
  }

  /** kafkajs calls this before it fetches anything of the new assignment, and does not wait for it. */
  #onAssigned(assignment: Readonly<Record<string, number[]>>): void {
    const assigned = Object.entries(assignment).map(([topic, partitions]) => ({
      topic,
      partitions
    }))
    this.#places.clear()
    this.#consumer.pause(assigned)
    const number = ++this.#assignment
    const isWanted = () => number === this.#assignment && !this.#isStopping
    this.#seekAll(assigned, isWanted).catch(error => isWanted() && this.#fail(error))
  }

  async #seekAll(assigned: Assigned, isWanted: () => boolean): Promise<void> {
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
  #seek({ topic, partition }: Place, offset: number | undefined): void {
    this.#places.set(keyOf({ topic, partition }), offset)
    this.#consumer.seek({ topic, partition, offset: String(offset ?? 0) })
  }

  async readBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition } = payload.batch
    const key = keyOf({ topic, partition })
    // Fetched before its place was known: it will be fetched again from there.
    if (!this.#places.has(key) || payload.isStale()) return
    const number = this.#assignment
    const isCurrent = () => number === this.#assignment
    const member = keepMembership(payload)
    const isWanted = () => isCurrent() && payload.isRunning() && member.isMember()
    try {
      const batch = toBatch(payload, this.#places.get(key), isWanted)
      const isCommitted = await this.#task.onBatch(batch)
      if (!isCurrent()) return // the place was looked up again, after the commit or before it
      if (isCommitted) await this.#goOn(payload, batch)
      else if (isWanted()) this.#seek(batch, await this.#task.findPlace(batch, isWanted))
    } catch (error) {
      if (isWanted()) this.#giveUp(payload, error)
      else this.#task.log.info({ err: error, topic, partition }, 'left a batch to its next reader')
    } finally {
      member.release()
    }
  }

  async #goOn(payload: EachBatchPayload, { topic, partition, to }: Batch): Promise<void> {
    this.#places.set(keyOf({ topic, partition }), to)
    payload.resolveOffset(payload.batch.lastOffset())
    const offsets = { topics: [{ topic, partitions: [{ partition, offset: String(to) }] }] }
    await payload
      .commitOffsetsIfNecessary(offsets)
      .catch(error => this.#task.log.debug({ err: error }, 'Kafka was not told the offset'))
  }

  /** Reads no further and lets the program end: to go on would be to skip the batch. */
  #giveUp(payload: EachBatchPayload, error: unknown): void {
    payload.pause()
    this.#fail(error)
  }
}

function toBatch(
  { batch }: EachBatchPayload,
  from: number | undefined,
  isWanted: () => boolean
): Batch {
  const { topic, partition, messages } = batch
  return { topic, partition, messages, from, to: Number(batch.lastOffset()) + 1, isWanted }
}

/** Sends heartbeats until released. One that fails will fail again after the batch, and count there. */
function keepMembership({ heartbeat }: EachBatchPayload) {
  let isMember = true
  const beat = () =>
    heartbeat().catch(() => {
      isMember = false
    })
  const timer = setInterval(beat, heartbeatMs)
  return { isMember: () => isMember, release: () => clearInterval(timer) }
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
