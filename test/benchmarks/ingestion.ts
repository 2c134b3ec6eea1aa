// Ingestion: events/s from Kafka into the committed log, beside reading alone and COPY alone
//
// --events 1000000 (default), --partitions 3, --session-length 10. A topic is filled with events of
// some 200 bytes; then, one after the other on the same machine: kafkajs reads the topic and does
// nothing; the real ingestion program takes it into a durable Postgres, from the moment it begins to
// read to the last commit; and Postgres copies the same rows from a file into a relation with the
// columns and indexes of the log. Memory is sampled meanwhile, and told at each tenth of the way: it has
// to stay flat, however many messages wait. With --no-copy nothing is compared with COPY: for memory alone,
// with more events than there is time to copy again.
import { join } from 'node:path'
import type { Pool } from '#shared/database/pool.ts'
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
  const { seconds, memory } = await ingest(pipeline, size)
  const copied = size.isCopied ? await copyAlone(pipeline.pool) : undefined
  const ingested = size.events / seconds
  const readRate = size.events / read
  const copyRate = copied === undefined ? undefined : size.events / copied
  const quarter = Math.ceil(memory.length / 4)
  const [early, late] = [memory.slice(quarter, 2 * quarter), memory.slice(-quarter)]
  const unit = 'events/s'
  return [
    { name: 'kafkajs reads the topic', value: readRate, unit },
    ...(copyRate === undefined
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

async function endInOrder(program: IngestionProcess): Promise<void> {
  await program.end('SIGTERM')
}

async function readSoFar(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    'select coalesce(sum(next_offset), 0)::bigint as read from consumer_offsets'
  )
  return rows[0].read
}

/** Seconds to copy the rows of the log, from a file on the server, into a relation like the log. */
async function copyAlone(pool: Pool): Promise<number> {
  const { rows } = await pool.query('show data_directory')
  const file = join(rows[0].data_directory, 'events.copy')
  const columns = 'month, event_id, type, session_id, visitor_id, item_key, occurred_at, properties'
  await pool.query(`copy (select ${columns} from events order by position) to '${file}'`)
  await pool.query('create table copied (like events including all)')
  await pool.query('checkpoint')
  const startedAt = performance.now()
  await pool.query(`copy copied (${columns}) from '${file}'`)
  return (performance.now() - startedAt) / 1000
}
