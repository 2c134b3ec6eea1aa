import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildApp } from '#services/serving/app.ts'
import { collectIntoKafka, type EventCollector } from '#services/serving/collector.ts'
import { servingConfig } from '#services/serving/config.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import {
  createHarness,
  type Harness,
  loggedIds,
  untilLogged
} from '#test/services/ingestion/harness.ts'
import { limitMessages } from '#test/support/kafka/client.ts'
import { describeWithKafka, describeWithOwnKafka, startOwnKafka } from '#test/support/kafka.ts'
import { noKeys, silent } from './serving-app.ts'

let harness: Harness
let collector: EventCollector
let app: App

async function open(brokers: string[]): Promise<void> {
  harness = await createHarness(brokers)
  const settings = servingConfig(harness.environment)
  collector = collectIntoKafka({ settings, topic: settings.eventsTopic, log: silent })
  app = await buildApp({
    pool: harness.database.pool,
    recommender: { releaseId: () => undefined, recommend: () => Promise.reject(new Error('none')) },
    keys: noKeys,
    requestsPerMinute: 0,
    metrics: createMetrics(),
    log: silent,
    sessionGapMinutes: 30,
    collector
  })
}

async function close(): Promise<void> {
  await app.close()
  await collector.close()
  await harness.close()
}

async function send(payload: object) {
  const response = await app.inject({ method: 'POST', url: '/v1/events', payload })
  return { status: response.statusCode, headers: response.headers, body: response.json() }
}

function clickOf(id: string, session = 's1') {
  return { id, type: 'click', time: '2026-03-01T09:30:00Z', session, item: 'a' }
}

describeWithKafka('with Kafka, events that come by HTTP', brokers => {
  beforeEach(() => open(brokers))
  afterEach(close)

  test('go into its topic, keyed by session and as they were sent', async () => {
    const { eventsTopic } = harness.config
    const odd = { ...clickOf('e-1', 'ü'), unknown: { deep: [1, null] } }

    const { status, body } = await send([odd, { ...clickOf('e-2'), type: 'look' }])
    const [message] = await harness.readTopic(eventsTopic, 1)

    expect(status).toBe(202)
    expect(body).toEqual({
      accepted: 1,
      rejected: 1,
      results: [
        { status: 'accepted' },
        { status: 'rejected', field: 'type', reason: expect.stringContaining('"look"') }
      ]
    })
    expect(JSON.parse(String(message!.value))).toEqual(odd)
    expect(String(message!.key)).toBe('ü')
  })

  test('are in the log once, also when they come by both ways', async () => {
    const ingestion = await harness.start()
    const both = clickOf('both')

    await Promise.all([send([both, clickOf('a')]), send(both)])
    await harness.produce(harness.config.eventsTopic, [{ value: JSON.stringify(both) }])
    await send(clickOf('last', 's1'))
    await untilLogged(harness, 3)
    await ingestion.stop()

    expect((await loggedIds(harness)).sort()).toEqual(['a', 'both', 'last'])
  })

  test('keep their order within a session, however many requests there are', async () => {
    const ingestion = await harness.start()
    const ids = Array.from({ length: 300 }, (_, i) => `e-${i}`)

    await Promise.all(ids.map(id => send(clickOf(id))))
    await untilLogged(harness, ids.length)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual(ids)
  })

  test('are rejected one by one when they are larger than the topic takes', async () => {
    await limitMessages(brokers, harness.config.eventsTopic, 2000)
    const large = { ...clickOf('large'), note: randomBytes(3000).toString('hex') }

    const { status, body } = await send([clickOf('small'), large, clickOf('small too')])

    expect(status).toBe(202)
    expect(body).toMatchObject({ accepted: 2, rejected: 1 })
    expect(body.results[1].reason).toBe('the event is larger than its Kafka topic takes')
  })

  test('are answered as faulty when none of them fits', async () => {
    await limitMessages(brokers, harness.config.eventsTopic, 2000)
    const large = { ...clickOf('large'), note: randomBytes(3000).toString('hex') }

    const { status, body } = await send([large, { ...large, id: 'large too' }])

    expect(status).toBe(400)
    expect(body.errors).toHaveLength(2)
  })

  test('are refused with a time to try again when too much is waiting', async () => {
    const notes = Array.from({ length: 15 }, () => 'x'.repeat(250_000))
    const wave = Array.from({ length: 8 }, (_, i) =>
      send(notes.map((note, j) => ({ ...clickOf(`${i}-${j}`), note })))
    )

    const answers = await Promise.all(wave)
    const refused = answers.filter(({ status }) => status === 503)

    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(8)
    expect(refused[0]).toMatchObject({
      body: { code: 'OVERLOADED' },
      headers: { 'retry-after': '1' }
    })
  })
})

describeWithOwnKafka('while Kafka is away', () => {
  test('events are refused with a time to try again, and taken when it is back', async () => {
    const kafka = await startOwnKafka()
    if ('missing' in kafka) throw new Error(kafka.missing)
    try {
      await open(kafka.brokers)
      expect(await send(clickOf('before'))).toMatchObject({ status: 202 })

      await kafka.kill()
      const away = await send(clickOf('during'))
      await kafka.restart()
      await expect
        .poll(async () => (await send(clickOf('during'))).status, { timeout: 60_000 })
        .toBe(202)

      expect(away).toMatchObject({
        status: 503,
        headers: { 'retry-after': '1' },
        body: { code: 'KAFKA_UNAVAILABLE', detail: 'not possible just now; try again' }
      })
    } finally {
      await close()
      await kafka.stop()
    }
  })
})
