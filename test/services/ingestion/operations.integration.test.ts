import { afterEach, beforeEach, expect, test } from 'vitest'
import { testClient } from '#test/support/kafka/client.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import type { Program } from '#test/support/program.ts'
import {
  click,
  clicks,
  createHarness,
  type Harness,
  startIngestionProgram,
  untilLogged
} from './harness.ts'

const logLock = 0x65_6c_6f_67 // see append-events.ts

describeWithKafka('those who run ingestion', brokers => {
  let harness: Harness
  let program: Program
  let url: string

  beforeEach(async () => {
    harness = await createHarness(brokers)
    program = await startIngestionProgram({ ...harness.environment, INGESTION_STUCK_SECONDS: '1' })
    const line = program.lines.find(each => each.includes('"msg":"consuming"'))!
    url = (JSON.parse(line) as { operations: string }).operations
  })
  afterEach(async () => {
    await program.end('SIGTERM')
    await harness.close()
  })

  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${url}${path}`, { method })
    return { status: response.status, text: await response.text() }
  }
  const live = async () => {
    const { status, text } = await ask('/health/live')
    return `${status} ${(JSON.parse(text) as { status: string }).status}`
  }

  test('know a stuck consumer from an idle one', async () => {
    const { config, database, produce } = harness
    await expect.poll(live).toBe('200 idle')

    const holder = await database.pool.connect()
    await holder.query('select pg_advisory_lock($1)', [logLock])
    await produce(config.eventsTopic, [click('e-1')])
    await expect.poll(live, { timeout: 20_000 }).toBe('503 stuck')
    expect((await ask('/health/ready')).status).toBe(503)
    expect(JSON.parse((await ask('/health/live')).text)).toMatchObject({
      stuck: [{ topic: config.eventsTopic, lag: 1 }]
    })
    expect((await ask('/metrics')).text).toMatch(/^nextrie_ingestion_stuck 1$/m)

    await holder.query('select pg_advisory_unlock($1)', [logLock])
    holder.release()
    await untilLogged(harness, 1)
    await expect.poll(live).toBe('200 idle')
    expect((await ask('/health/ready')).status).toBe(200)
  })

  test('are answered whatever stands behind the path, and without the body if they ask for none', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      await expect.poll(async () => (await ask(`${path}?by=a-probe`)).status).toBe(200)
      expect(await ask(path, 'HEAD')).toEqual({ status: 200, text: '' })
    }
    expect((await ask('/health/live', 'POST')).status).toBe(404)
  })

  test('are not told that the marks of a transaction are something to read', async () => {
    const producer = testClient(brokers).producer({
      transactionalId: harness.config.eventsTopic,
      idempotent: true,
      maxInFlightRequests: 1
    })
    await producer.connect()
    const transaction = await producer.transaction()
    const messages = [{ ...click('e-1'), partition: 0 }]
    await transaction.send({ topic: harness.config.eventsTopic, messages })
    await transaction.commit()
    await producer.disconnect()
    await untilLogged(harness, 1)

    const lag = `nextrie_ingestion_lag_messages{topic="${harness.config.eventsTopic}",partition="0"} 0`
    await expect.poll(async () => (await ask('/metrics')).text).toContain(lag)
    await expect.poll(live).toBe('200 idle')
  })

  test('read in /metrics what came, what was refused, how long it took and how old it was', async () => {
    const { config, produce } = harness
    const topic = config.eventsTopic
    await produce(topic, [...clicks(0, 20), click('e-0'), { key: null, value: 'no event' }])
    await produce(config.itemsTopic, [{ key: 'A', value: null }])
    const page = async () => (await ask('/metrics')).text
    const lines = [
      `nextrie_ingestion_messages_total{topic="${topic}",outcome="appended"} 20`,
      `nextrie_ingestion_messages_total{topic="${topic}",outcome="duplicate"} 1`,
      `nextrie_ingestion_messages_total{topic="${topic}",outcome="rejected"} 1`,
      `nextrie_ingestion_messages_total{topic="${config.itemsTopic}",outcome="item_removed"} 1`,
      `nextrie_ingestion_lag_messages{topic="${topic}",partition="2"} 0`,
      'nextrie_ingestion_rebalances_total 1',
      'nextrie_ingestion_assigned_partitions 4'
    ]

    for (const line of lines) await expect.poll(page, { timeout: 20_000 }).toContain(line)
    expect(await page()).toMatch(/nextrie_ingestion_batch_seconds_count\{.*\} [1-9]/)
    expect(await page()).toMatch(/nextrie_ingestion_age_seconds_bucket\{le="60",.*\} [1-9]/)
    expect(await ask('/nothing')).toMatchObject({ status: 404 })
  })
})
