// Holds ingestion to its promise. Two ingestion processes in one group take a known sequence of
// events from a real broker into a real Postgres, while each of the four is killed with kill -9 in
// turn, again and again, and started anew. At the end the log, the tails and the dead letters are
// held against what was sent.
//
// What is sent: events 0 to n, mostly in the order of their times; three in a hundred are sent again
// later; one in two hundred messages is malformed, in one of four ways. The producer stays a fifth of
// all ahead of the log at most, so that it works while the parts die; where it got no answer it sends
// again, which doubles messages in Kafka and must not double them in the log.
import { setTimeout as pause } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { countWrongTails } from '#shared/eventlog/session-tails.ts'
import { createRandom, type Random } from '#shared/runtime/random.ts'
import { testClient, uniqueName } from './client.ts'
import { type IngestionProcess, type Pipeline, startPipeline, until } from './pipeline.ts'

export interface FaultPlan {
  readonly events: number
  /** How often each of the four parts is killed. */
  readonly rounds: number
  /** Hears what is going on. */
  readonly tell: (line: string) => void
}

export interface FaultOutcome {
  /** Kills after which everything went on. */
  readonly faults: number
  /** Events that were sent and are not in the log as they were. */
  readonly lost: number
  /** Events of the log beyond the first of each id. */
  readonly doubled: number
  readonly malformed: number
  /** Malformed messages that are not, exactly as sent and with their reason, in the topic. */
  readonly missingInTopic: number
  /** The same for the relation. */
  readonly missingInTable: number
  /** Dead letters of nothing that was malformed. */
  readonly wronglyRejected: number
  /** Tails that are not what the log gives. */
  readonly wrongTails: number
  readonly tails: number
  readonly seconds: number
}

const partitions = 4
const limitMs = 540_000

/** Runs the plan; says what is missing where there is no Kafka. */
export async function surviveFaults(plan: FaultPlan): Promise<FaultOutcome | { missing: string }> {
  const pipeline = await startPipeline(partitions)
  if ('missing' in pipeline) return pipeline
  const startedAt = performance.now()
  try {
    const faults = await sendAndKill(pipeline, plan)
    const seconds = (performance.now() - startedAt) / 1000
    return { faults, ...(await judge(pipeline, plan.events)), seconds }
  } finally {
    await pipeline.close()
  }
}

/** What the three acts that run side by side know of each other. */
interface State {
  readonly total: number
  /** Messages that the log has behind it, and messages that Kafka was given. */
  read: number
  sent: number
  isOver: boolean
  failure: unknown
}

async function sendAndKill(pipeline: Pipeline, { events, rounds, tell }: FaultPlan) {
  const consumers = await Promise.all([pipeline.ingest(), pipeline.ingest()])
  const state: State = { total: events, read: 0, sent: 0, isOver: false, failure: undefined }
  const watching = watch(pipeline, consumers, state)
  const acts = [
    produceAll(pipeline, state),
    killInTurn(pipeline, consumers, { rounds, tell, state }),
    watching
  ]
  const over = Promise.all(acts.slice(0, 2)).then(() => untilAllRead(pipeline, state))
  await Promise.race([over, watching])
  state.isOver = true
  await Promise.all(acts)
  tell(`sent ${state.sent} messages and survived ${4 * rounds} faults`)
  return 4 * rounds
}

/** Keeps the count of what is read up, and fails when a consumer ends that nobody has killed. */
async function watch({ pool }: Pipeline, consumers: readonly IngestionProcess[], state: State) {
  const sql = 'select coalesce(sum(next_offset), 0)::bigint as read from consumer_offsets'
  const deadline = performance.now() + limitMs
  while (!state.isOver) {
    const answer = await pool.query(sql).catch(() => undefined) // it may be dead just now
    state.read = answer?.rows[0].read ?? state.read
    const fallen = consumers.find(each => each.hasFallen())
    if (fallen) state.failure = new Error(`ingestion ended: ${fallen.lines.slice(-3).join('\n')}`)
    if (performance.now() > deadline)
      state.failure = new Error(`${state.read} read in nine minutes`)
    if (state.failure) throw state.failure
    await pause(50)
  }
}

/** Waits on what `watch` sees. */
async function untilState(state: State, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (state.failure) throw state.failure
    await pause(20)
  }
}

async function untilAllRead({ kafka, topics }: Pipeline, state: State): Promise<void> {
  const admin = testClient(kafka.brokers).admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topics.events)
  await admin.disconnect()
  const all = ends.reduce((sum, { offset }) => sum + Number(offset), 0)
  await untilState(state, () => state.read >= all)
}

interface Killing {
  readonly rounds: number
  readonly tell: (line: string) => void
  readonly state: State
}

/** Spreads the kills over the work; each part is up again before the next one dies. */
async function killInTurn(
  pipeline: Pipeline,
  consumers: IngestionProcess[],
  { rounds, tell, state }: Killing
): Promise<void> {
  const killConsumer = (index: number) => async () => {
    await consumers[index]!.end('SIGKILL')
    consumers[index] = await pipeline.ingest()
  }
  const killBroker = async () => {
    await pipeline.kafka.kill()
    await pipeline.kafka.restart()
  }
  const killPostgres = async () => {
    await pipeline.postgres.kill()
    await until(async () => (await pipeline.pool.query('select 1')).rowCount === 1, 60_000)
  }
  const parts = {
    'a consumer': killConsumer(0),
    'the broker': killBroker,
    'the other consumer': killConsumer(1),
    Postgres: killPostgres
  }
  const kills = Array.from({ length: rounds }, () => Object.entries(parts)).flat()
  for (const [index, [name, kill]] of kills.entries()) {
    const share = (index + 1) / (kills.length + 1)
    await untilState(state, () => state.read >= share * state.total)
    tell(`${state.read} of some ${state.total} read: killing ${name}`)
    await kill()
  }
}

const chunk = 1000

async function produceAll({ kafka, topics }: Pipeline, state: State): Promise<void> {
  const random = createRandom(7)
  const producer = testClient(kafka.brokers).producer()
  await producer.connect()
  for (let from = 0; from < state.total; from += chunk) {
    await untilState(state, () => state.sent - state.read < state.total / 5)
    const messages = messagesOf(from, Math.min(from + chunk, state.total), random)
    await sendUntilTaken(() => producer.send({ topic: topics.events, acks: -1, messages }), state)
    state.sent += messages.length
  }
  await producer.disconnect()
}

async function sendUntilTaken(send: () => Promise<unknown>, state: State): Promise<void> {
  while (
    !(await send().then(
      () => true,
      () => false
    ))
  ) {
    if (state.failure) throw state.failure
    await pause(100)
  }
}

function messagesOf(from: number, to: number, random: Random): Message[] {
  const messages: Message[] = []
  for (let number = from; number < to; number++) {
    messages.push(eventMessage(number))
    if (number > 0 && random.next() < 0.03) messages.push(eventMessage(random.integer(number)))
    if (number % malformedEvery === 0) messages.push(malformedMessage(number))
  }
  return messages
}

/** Some sessions are long, so that tails are cut; one event in ten comes an hour late. */
function eventMessage(number: number): Message {
  const session =
    number % 50 === 0 ? `long-${number % 7}` : `s-${Math.floor(number / 3000)}-${number % 300}`
  const lateMs = number % 10 === 3 ? 3_600_000 : 0
  const time = new Date(Date.UTC(2026, 1, 20) + number * 1000 - lateMs)
  const event = {
    id: `e-${number}`,
    type: 'click',
    time,
    session,
    visitor: `v-${number % 11}`,
    item: itemOf(number)
  }
  return { key: session, value: JSON.stringify(event) }
}

function itemOf(number: number): string {
  return `item-${number % 1000}`
}

const malformedEvery = 200

function malformedMessage(number: number): Message {
  const key = `bad-${number}`
  const kinds = [
    Buffer.from([0x7b, 0xff, 0x00, number & 255]),
    Buffer.from(`{"id":"${key}"`),
    Buffer.from(
      JSON.stringify({ ...JSON.parse(String(eventMessage(number).value)), item: undefined })
    ),
    Buffer.from(JSON.stringify({ id: key, type: 'nod', session: 's-1' }))
  ]
  const value = kinds[(number / malformedEvery) % kinds.length]!
  return { key, value, headers: { trace: [Buffer.from([0, 255]), 'b'] } }
}

async function judge(pipeline: Pipeline, events: number) {
  const { pool } = pipeline
  const malformed = Array.from({ length: Math.ceil(events / malformedEvery) }, (_, index) =>
    malformedMessage(index * malformedEvery)
  )
  const inTopic = await readDeadLetters(pipeline)
  const { rows: inTable } = await pool.query(
    `select convert_from(key, 'UTF8') as key, payload as value, headers, reason from dead_letters`
  )
  const isKept = new Set(
    inTable
      .filter(letter => letter.reason && sameValues(fromBase64(letter.headers.trace), trace))
      .map(letter => `${letter.key}/${letter.value.toString('hex')}`)
  )
  const wanted = malformed.map(({ key, value }) => `${key}/${(value as Buffer).toString('hex')}`)
  const known = new Set(wanted)
  const { rows } = await pool.query(
    `select (select count(*) from generate_series(0, $1::integer - 1) as n
             where not exists (select from events
                               where event_id = 'e-' || n and item_key = 'item-' || n % 1000)) as lost,
            (select count(*) - count(distinct event_id) from events) as doubled,
            (select count(*) from session_tails) as tails`,
    [events]
  )
  return {
    ...(rows[0] as { lost: number; doubled: number; tails: number }),
    malformed: malformed.length,
    missingInTopic: wanted.filter(each => !inTopic.has(each)).length,
    missingInTable: wanted.filter(each => !isKept.has(each)).length,
    wronglyRejected: [...isKept, ...inTopic].filter(each => !known.has(each)).length,
    wrongTails: await countWrongTails(pool)
  }
}

const trace = [Buffer.from([0, 255]), Buffer.from('b')]

function fromBase64(values: readonly string[] | undefined): Buffer[] {
  return (values ?? []).map(value => Buffer.from(value, 'base64'))
}

function sameValues(values: readonly Buffer[], wanted: readonly Buffer[]): boolean {
  return (
    values.length === wanted.length && values.every((value, index) => value.equals(wanted[index]!))
  )
}

/** Those of the topic that have their reason and the header that was sent, by key and payload. */
async function readDeadLetters({ kafka, topics }: Pipeline): Promise<Set<string>> {
  const admin = testClient(kafka.brokers).admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topics.deadLetters)
  await admin.disconnect()
  const all = ends.reduce((sum, { offset }) => sum + Number(offset), 0)
  const consumer = testClient(kafka.brokers).consumer({
    groupId: uniqueName('judge'),
    maxWaitTimeInMs: 100
  })
  const letters = new Set<string>()
  let count = 0
  await consumer.connect()
  await consumer.subscribe({ topic: topics.deadLetters, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, value, headers = {} } }) => {
      const sentHeader = [headers.trace ?? []].flat().map(each => Buffer.from(each))
      if (headers['nextrie-reason'] && sameValues(sentHeader, trace)) {
        letters.add(`${key}/${value?.toString('hex')}`)
      }
      count++
    }
  })
  await until(async () => count >= all, 60_000)
  await consumer.disconnect()
  return letters
}
