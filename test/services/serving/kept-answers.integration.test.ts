import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createKeptAnswers, type KeptAnswer } from '#services/serving/kept-answers.ts'
import { recommendationId } from '#services/serving/recommendation-id.ts'
import { measureKeptAnswers } from '#services/serving/request-metrics.ts'
import { createPool, withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { forgetVisitor } from '#shared/eventlog/forget-visitor.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => database.pool.query('delete from kept_answers'))
afterAll(() => database.drop())

const answer: KeptAnswer = {
  question: { items: ['a', '\ud800', '"', "'\\"], filter: { attribute: 'price', max: 5 } },
  shown: ['b', '{c}', ',']
}
const answerBytes = JSON.stringify(answer.question).length + JSON.stringify(answer.shown).length
const idAt = (ms: number) => recommendationId(ms, randomUUID())
const minutesAgo = (minutes: number) => idAt(Date.now() - minutes * 60_000)

async function keptIds(): Promise<string[]> {
  const { rows } = await database.pool.query(
    'select recommendation_id as id from kept_answers order by 1'
  )
  return rows.map(({ id }) => id)
}

test('an answer is found at once where it was given, and elsewhere once it is written', async () => {
  const [here, there] = [createKeptAnswers(database.pool), createKeptAnswers(database.pool)]
  const id = minutesAgo(1)
  here.keep(id, answer)
  const before = [await here.find(id), await there.find(id)]

  await here.flush()

  expect(before).toEqual([answer, undefined])
  expect(await there.find(id)).toEqual(answer)
  expect(await here.find(id)).toEqual(answer)
})

test('whoever asks elsewhere for an answer just given waits until it is written', async () => {
  const [here, there] = [createKeptAnswers(database.pool), createKeptAnswers(database.pool)]
  const id = idAt(Date.now())
  here.keep(id, answer)

  const found = there.find(id)
  await here.flush()

  expect(await found).toEqual(answer)
})

test('thousands are written, once each, also when some come while others are written', async () => {
  const answers = createKeptAnswers(database.pool)
  const ids = Array.from({ length: 2500 }, (_, i) => idAt(Date.now() - 60_000 + i))
  for (const id of ids.slice(0, 1500)) answers.keep(id, answer)

  const flushed = answers.flush()
  for (const id of ids.slice(1500)) answers.keep(id, answer)
  await flushed
  await answers.flush()

  expect(await keptIds()).toEqual(ids)
})

test('what is older than half an hour is deleted', async () => {
  const answers = createKeptAnswers(database.pool)
  const [old, young] = [minutesAgo(31), minutesAgo(29)]
  answers.keep(old, answer)
  answers.keep(young, answer)

  await answers.flush()

  expect(await keptIds()).toEqual([young])
  expect(await answers.find(old)).toBeUndefined()
})

test('of more bytes than are kept the oldest answers are deleted', async () => {
  const answers = createKeptAnswers(database.pool, { keptBytes: 4 * answerBytes - 1 })
  const ids = [5, 4, 3, 2, 1].map(minutesAgo)
  for (const id of ids) answers.keep(id, answer)

  await answers.flush()

  expect(await keptIds()).toEqual(ids.slice(2))
})

test('without Postgres the newest are held and written later; the others are counted', async () => {
  const pool = createPool(database.url, { size: 1 })
  const answers = createKeptAnswers(pool, { waitingBytes: 3 * answerBytes - 1 })
  const ids = [3, 2, 1].map(minutesAgo)
  for (const id of ids) answers.keep(id, answer)
  await database.pool.query('alter table kept_answers rename to elsewhere')

  await expect(answers.flush()).rejects.toThrow('kept_answers')
  await database.pool.query('alter table elsewhere rename to kept_answers')
  await answers.flush()

  expect(answers.dropped).toBe(1)
  expect(await keptIds()).toEqual(ids.slice(1))
  await pool.end()
})

test('who is erased leaves no answer behind, and others keep theirs', async () => {
  const answers = createKeptAnswers(database.pool)
  const [theirs, anothers, nobodys] = [minutesAgo(3), minutesAgo(2), minutesAgo(1)]
  answers.keep(theirs, { ...answer, question: { session: 's-1' } })
  answers.keep(anothers, { ...answer, question: { session: 's-2' } })
  answers.keep(nobodys, answer)
  await answers.flush()
  const click = { id: 'e-1', type: 'click', itemKey: 'a', properties: {} } as const
  const event = { ...click, occurredAt: new Date(), sessionId: 's-1', visitorId: 'v-1' }
  await withTransaction(database.pool, connection => appendEvents(connection, [event]))

  await forgetVisitor(database.pool, 'v-1')

  expect(await keptIds()).toEqual([anothers, nobodys])
})

test('it is waited for also where the clock of the process that gave it is ahead', async () => {
  const [here, there] = [createKeptAnswers(database.pool), createKeptAnswers(database.pool)]
  const id = idAt(Date.now() + 1500)
  here.keep(id, answer)

  const found = there.find(id)
  await here.flush()

  expect(await found).toEqual(answer)
})

test('an id that never was is looked for four times at most', async () => {
  const pool = createPool(database.url)
  let looks = 0
  pool.on('acquire', () => looks++)

  const found = await createKeptAnswers(pool).find(idAt(Date.now()))

  expect(found).toBeUndefined()
  expect(looks).toBeLessThanOrEqual(4)
  await pool.end()
})

test('answers that were dropped are a counter of /metrics', async () => {
  const metrics = createMetrics()
  const answers = { dropped: 2 }
  measureKeptAnswers(answers, metrics)

  const before = await metrics.metrics()
  answers.dropped = 5

  expect(before).toContain('# TYPE nextrie_answers_dropped_total counter')
  expect(before).toContain('nextrie_answers_dropped_total 2')
  expect(await metrics.metrics()).toContain('nextrie_answers_dropped_total 5')
})
