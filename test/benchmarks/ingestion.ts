// Ingestion: events/s from Kafka into the committed log, beside reading alone and COPY alone
//
// --events 1000000 (default), --partitions 3, --session-length 10. A topic is filled with events of
// some 200 bytes; then, one after the other on the same machine: kafkajs reads the topic and does
// nothing; the real ingestion program takes it into a durable Postgres, from the moment it begins to
// read to the last commit; and Postgres copies the same rows from a file into a relation with the
// columns and indexes of the log. It does so before ingestion and after it, and the mean counts, since
// a machine is not always as fast; and all of it writes into WAL files that were there before, as in a
// server that has run for a while: who comes first would otherwise pay for making them. Memory is
// sampled meanwhile, and told at each tenth of the way: it has to stay flat, however many messages
// wait. With --no-copy nothing is compared with COPY: for memory alone, with more events than there is
// time to copy again.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '#shared/database/pool.ts'
import { prepareAppend } from '#shared/eventlog/append-events.ts'
import { decodeEvent } from '#shared/events/decode-event.ts'
import type { Event } from '#shared/events/event.ts'
import { testClient } from '#test/support/kafka/client.ts'
import {
  type IngestionProcess,
  type Pipeline,
  startPipeline,
  until
} from '#test/support/kafka/pipeline.ts'
import type { BenchOptions, Figure } from './report.ts'

interface Size {
  readonly events: number
  readonly partitions: number
  /** Events of one session. */
  readonly sessionLength: number
  readonly isCopied: boolean
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const size: Size = {
    events: Number(options.events ?? 1_000_000),
    partitions: Number(options.partitions ?? 3),
    sessionLength: Number(options['session-length'] ?? 10),
    isCopied: options['no-copy'] === undefined
  }
  const pipeline = await startPipeline(size.partitions)
  if ('missing' in pipeline) {
    process.stderr.write(`SKIPPED: no Kafka can be started here: ${pipeline.missing}\n`)
    return []
  }
  try {
    return await measure(pipeline, size)
  } finally {
    await pipeline.close()
  }
}

async function measure(pipeline: Pipeline, size: Size): Promise<Figure[]> {
  await produce(pipeline, size)
  const read = await readAlone(pipeline, size)
  await fillWal(pipeline.pool)
  const file = size.isCopied ? await writeRows(pipeline.pool, size) : undefined
  const copiedBefore = file && (await copyAlone(pipeline.pool, file))
  const { seconds, memory } = await ingest(pipeline, size)
  const copiedAfter = file && (await copyAlone(pipeline.pool, file))
  const ingested = size.events / seconds
  const readRate = size.events / read
  const copyRate = copiedBefore && copiedAfter && (2 * size.events) / (copiedBefore + copiedAfter)
  const quarter = Math.ceil(memory.length / 4)
  const [early, late] = [memory.slice(quarter, 2 * quarter), memory.slice(-quarter)]
  const unit = 'events/s'
  return [
    { name: 'kafkajs reads the topic', value: readRate, unit },
    ...(!copyRate
      ? [{ name: 'ingested', value: ingested, unit }]
      : [
          { name: 'Postgres copies the rows', value: copyRate, unit },
          {
            name: 'ingested, beside the slower of the two',
            value: ingested,
            unit,
            reference: Math.min(readRate, copyRate),
            wanted: { of: 'ratio', atLeast: 0.5 } as const
          }
        ]),
    { name: 'memory at most', value: Math.max(...memory) / 2 ** 20, unit: 'MiB' },
    {
      name: 'memory at most, last quarter beside the second',
      value: Math.max(...late) / 2 ** 20,
      unit: 'MiB',
      reference: Math.max(...early) / 2 ** 20,
      wanted: { of: 'ratio', atMost: 1.2 }
    }
  ]
}

async function produce({ kafka, topics }: Pipeline, { events, sessionLength }: Size) {
  const producer = testClient(kafka.brokers).producer()
  await producer.connect()
  const step = 10_000
  for (let from = 0; from < events; from += step) {
    const count = Math.min(step, events - from)
    const messages = Array.from({ length: count }, (_, n) => message(from + n, sessionLength))
    await producer.send({ topic: topics.events, messages })
  }
  await producer.disconnect()
}

/** Sessions overlap, two thousand at a time, as they do in a shop. */
function message(number: number, sessionLength: number) {
  const atOnce = 2000
  const block = Math.floor(number / (atOnce * sessionLength))
  const session = `session-${block}-${number % atOnce}`
  const id = `018f3c1e-${hex(number, 12)}-${hex(number * 7919, 12)}`
  const time = new Date(Date.now() - 86_400_000 + number).toISOString()
  const item = `item-${(number * 31) % 20_011}`
  const properties = { position: number % 30, context: { page: 'category', device: 'phone' } }
  const value = JSON.stringify({
    id,
    type: 'click',
    time,
    session,
    visitor: `v-${number % atOnce}`,
    item,
    ...properties
  })
  return { key: session, value }
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}

/** Seconds from the first message to the last. */
async function readAlone({ kafka, topics }: Pipeline, { events }: Size): Promise<number> {
  const consumer = testClient(kafka.brokers).consumer({ groupId: 'read-alone' })
  await consumer.connect()
  await consumer.subscribe({ topic: topics.events, fromBeginning: true })
  let startedAt = 0
  let count = 0
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.fetch_start', () => {
      startedAt ||= performance.now()
    })
    const eachBatch = async ({ batch }: { batch: { messages: unknown[] } }) => {
      count += batch.messages.length
      if (count >= events) resolve()
    }
    consumer.run({ autoCommit: false, eachBatch }).catch(reject)
  })
  const seconds = (performance.now() - startedAt) / 1000
  await consumer.disconnect()
  return seconds
}

async function ingest(pipeline: Pipeline, { events }: Size) {
  await pipeline.pool.query('checkpoint')
  const program = await pipeline.ingest()
  const memory: number[] = []
  let tenths = 0
  const isDone = async () => {
    await pause(100) // to look costs as much as some events, and both cores are busy
    memory.push(await program.memory())
    const read = await readSoFar(pipeline.pool)
    if (read >= ((tenths + 1) * events) / 10) {
      tenths = Math.floor((10 * read) / events)
      const mebibytes = Math.round(memory.at(-1)! / 2 ** 20)
      process.stderr.write(`${read} events ingested, ${mebibytes} MiB\n`)
    }
    return read >= events
  }
  await until(isDone, Math.max(600_000, events)) // a thousand events a second are too few
  const seconds = (performance.now() - program.readingSince) / 1000
  await endInOrder(program)
  const { rows } = await pipeline.pool.query('select count(*) from events')
  if (rows[0].count !== events) throw new Error(`the log has ${rows[0].count} of ${events} events`)
  return { seconds, memory }
}

/** A gigabyte that says nothing; the checkpoint after it keeps the files for what comes next. */
async function fillWal(pool: Pool): Promise<void> {
  await pool.query(
    `select count(pg_logical_emit_message(false, 'bench', repeat(' ', 1000000)))
     from generate_series(1, 1000)`
  )
}

async function endInOrder(program: IngestionProcess): Promise<void> {
  await program.end('SIGTERM')
}

async function readSoFar(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    'select coalesce(sum(next_offset), 0)::bigint as read from consumer_offsets'
  )
  return rows[0].read
}

/** The rows of all events, in a file that the server can read. */
async function writeRows(pool: Pool, { events, sessionLength }: Size): Promise<string> {
  const { rows } = await pool.query('show data_directory')
  const path = join(rows[0].data_directory, 'events.copy')
  const file = await open(path, 'w')
  const step = 10_000
  for (let from = 0; from < events; from += step) {
    const count = Math.min(step, events - from)
    const decoded = Array.from({ length: count }, (_, n) => toEvent(from + n, sessionLength))
    const { lines } = await prepareAppend(decoded)
    await file.write(lines)
  }
  await file.close()
  return path
}

function toEvent(number: number, sessionLength: number): Event {
  const decoded = decodeEvent(Buffer.from(message(number, sessionLength).value))
  if ('event' in decoded) return decoded.event
  throw new Error(decoded.rejected)
}

/** Seconds to copy rows from a file on the server into a relation like the log. */
async function copyAlone(pool: Pool, file: string): Promise<number> {
  await pool.query('create table copied (like events including all)')
  await pool.query('checkpoint')
  const startedAt = performance.now()
  await pool.query(`copy copied (${eventColumns}) from '${file}'`)
  const seconds = (performance.now() - startedAt) / 1000
  await pool.query('drop table copied')
  return seconds
}

const eventColumns =
  'month, event_id, type, session_id, visitor_id, item_key, occurred_at, properties'
