// What the ingestion tests share: topics and a database of their own, the shop's side of Kafka, and
// ingestion itself, in this process or in one of its own that can be killed.
import type { Message } from 'kafkajs'
import { expect } from 'vitest'
import { type IngestionConfig, ingestionConfig } from '#services/ingestion/config.ts'
import { type Ingestion, startIngestion } from '#services/ingestion/ingestion.ts'
import { createPool } from '#shared/database/pool.ts'
import type { Environment } from '#shared/runtime/config.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createTopic, testClient, uniqueName, withAdmin } from '#test/support/kafka/client.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { type Program, startProgram } from '#test/support/program.ts'

const log = createLogger({ name: 'test', level: 'silent' })

export interface Harness {
  readonly database: TestDatabase
  readonly config: IngestionConfig
  /** The environment that gives this configuration to a process. */
  readonly environment: Readonly<Record<string, string>>
  /** Sends messages of the shop. */
  produce(topic: string, messages: Message[]): Promise<void>
  /** Starts ingestion in this process; `stop` it before `close`. */
  start(): Promise<Ingestion>
  /** Everything in a topic, oldest first. */
  readTopic(topic: string, count: number): Promise<Message[]>
  close(): Promise<void>
}

/** Three topics and a database (unless one is given), all empty and used by nobody else. */
export async function createHarness(brokers: string[], given?: TestDatabase): Promise<Harness> {
  const database = given ?? (await createTestDatabase())
  const environment = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_EVENTS_TOPIC: uniqueName('events'),
    KAFKA_ITEMS_TOPIC: uniqueName('items'),
    KAFKA_DEAD_LETTER_TOPIC: uniqueName('dead-letter'),
    KAFKA_GROUP: uniqueName('group'),
    INGESTION_PORT: '0' // any free one: a test runs several
  }
  const config = ingestionConfig(environment)
  await createTopic(brokers, config.eventsTopic, 3)
  await createTopic(brokers, config.itemsTopic, 1)
  await createTopic(brokers, config.deadLetterTopic, 1)
  const producer = testClient(brokers).producer()
  await producer.connect()
  return {
    database,
    config,
    environment,
    produce: async (topic, messages) => {
      await producer.send({ topic, messages })
    },
    start: () => startHere(config),
    readTopic: (topic, count) => readTopic(brokers, topic, count),
    close: async () => {
      await producer.disconnect()
      await database.drop()
    }
  }
}

/** A click as the shop sends it; its session is its key, so that a session stays in order. */
export function click(id: string, session = 's-1'): Message {
  const time = new Date(Date.UTC(2026, 2, 1, 9, 0, 0, Number(id.replace(/\D/g, '')) % 60_000))
  const value = JSON.stringify({ id, type: 'click', time, session, item: 'A13' })
  return { key: session, value }
}

/** Clicks `e-<from>` up to but without `e-<to>`, over a hundred sessions. */
export function clicks(from: number, to: number): Message[] {
  return Array.from({ length: to - from }, (_, index) =>
    click(`e-${from + index}`, `s-${(from + index) % 100}`)
  )
}

/** The ids of all events in the log, in their order. */
export async function loggedIds({ database }: Harness): Promise<string[]> {
  const { rows } = await database.pool.query('select event_id from events order by position')
  return rows.map(row => row.event_id)
}

/** Waits until the log has as many events. */
export async function untilLogged({ database }: Harness, count: number): Promise<void> {
  const read = async () => {
    const { rows } = await database.pool.query('select count(*) from events')
    return rows[0].count
  }
  await expect.poll(read, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count)
}

/** Starts services/ingestion/main.ts as a process of its own and waits for a message in its log. */
export function startIngestionProgram(
  environment: Environment,
  message = 'consuming'
): Promise<Program> {
  return startProgram('services/ingestion/main.ts', environment, message)
}

async function startHere(config: IngestionConfig): Promise<Ingestion> {
  const pool = createPool(config.databaseUrl, { name: 'ingestion' })
  const ingestion = await startIngestion({ config, pool, log })
  const stop = async () => {
    await ingestion.stop()
    await pool.end()
  }
  return { failed: ingestion.failed, stop }
}

async function readTopic(brokers: string[], topic: string, count: number): Promise<Message[]> {
  const consumer = testClient(brokers).consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100
  })
  const messages: Message[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => void messages.push(message)
  })
  await expect.poll(() => messages.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(count)
  await consumer.disconnect()
  return messages
}

export function idsOf(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `e-${from + index}`)
}

/** Partitions are read in any order; within one the order is kept. */
export function sorted(ids: readonly string[]): string[] {
  return [...ids].sort()
}

/** All into one partition, so that they are read in their order. */
export function sendToFirstPartition({ produce, config }: Harness, from: number, to: number) {
  const events = clicks(from, to).map(each => ({ ...each, partition: 0 }))
  return produce(config.eventsTopic, events)
}

export async function inTransaction(
  brokers: string[],
  topic: string,
  id: string,
  end: 'commit' | 'abort'
): Promise<void> {
  const producer = testClient(brokers).producer({
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ ...click(id), partition: 0 }] })
  await transaction[end]()
  await producer.disconnect()
}

export async function deleteTopic(brokers: string[], topic: string): Promise<void> {
  await withAdmin(brokers, admin => admin.deleteTopics({ topics: [topic] }))
}
