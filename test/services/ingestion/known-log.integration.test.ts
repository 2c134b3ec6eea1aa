import { afterEach, beforeEach, expect, test } from 'vitest'
import { startIngestion } from '#services/ingestion/ingestion.ts'
import { readPlace } from '#shared/eventlog/consumer-offsets.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { createTopic, withAdmin } from '#test/support/kafka/client.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import {
  click,
  createHarness,
  deleteTopic,
  type Harness,
  idsOf,
  inTransaction,
  loggedIds,
  sendToFirstPartition,
  sorted,
  untilLogged
} from './harness.ts'

describeWithKafka('the log that was read before', brokers => {
  let harness: Harness

  beforeEach(async () => {
    harness = await createHarness(brokers)
  })
  afterEach(() => harness.close())

  test('begins at the oldest message when the offset it kept is not in the topic', async () => {
    const { produce, config, database } = harness
    const { group, eventsTopic } = config
    await database.pool.query(
      `insert into consumer_offsets (consumer_group, topic, partition, next_offset)
       values ('${group}', '${eventsTopic}', 0, 1000)`
    )
    await produce(eventsTopic, [{ ...click('e-1'), partition: 0 }])

    const ingestion = await harness.start()
    await untilLogged(harness, 1)
    await ingestion.stop()

    expect(
      (await readPlace(database.pool, { group, topic: eventsTopic, partition: 0 }))?.next
    ).toBe(1)
  })

  test('begins at the oldest message of a topic that was deleted and made anew meanwhile', async () => {
    const { produce, config } = harness
    const { eventsTopic: topic } = config
    const first = await harness.start()
    await sendToFirstPartition(harness, 0, 5)
    await produce(topic, [{ ...click('other'), partition: 1 }])
    await untilLogged(harness, 6)
    await first.stop()
    await makeAnew(brokers, topic)
    await sendToFirstPartition(harness, 5, 15) // more than there were: the place is in the topic
    await produce(topic, [{ ...click('another'), partition: 1 }]) // as many

    const second = await harness.start()
    await untilLogged(harness, 17)
    await sendToFirstPartition(harness, 15, 20)
    await untilLogged(harness, 22)
    await second.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted([...idsOf(0, 20), 'other', 'another']))
  })

  test('begins at the oldest message of a topic that is made anew while it reads', async () => {
    const { config } = harness
    const ingestion = await harness.start()
    await sendToFirstPartition(harness, 0, 5)
    await untilLogged(harness, 5)

    await makeAnew(brokers, config.eventsTopic)
    await sendToFirstPartition(harness, 5, 8)
    await untilLogged(harness, 8)
    await ingestion.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted(idsOf(0, 8)))
  })

  test('reads no message again when it starts anew, also behind the mark of a transaction', async () => {
    const { config, database } = harness
    const first = await harness.start()
    await inTransaction(brokers, config.eventsTopic, 'e-1', 'commit')
    await untilLogged(harness, 1)
    await first.stop()

    const metrics = createMetrics()
    const log = createLogger({ name: 'test', level: 'silent' })
    const second = await startIngestion({
      config: harness.config,
      pool: database.pool,
      log,
      metrics
    })
    await sendToFirstPartition(harness, 2, 3)
    await untilLogged(harness, 2)
    await second.stop()

    const { group, eventsTopic: topic } = config
    expect((await readPlace(database.pool, { group, topic, partition: 0 }))?.next).toBe(3)
    expect(await metrics.metrics()).toMatch(/outcome="appended"[^\n]* 1\n/)
    expect(await metrics.metrics()).not.toMatch(/outcome="duplicate"[^\n]* [1-9]/)
  })
})

/** Deleted, and created with as many partitions. */
async function makeAnew(brokers: string[], topic: string): Promise<void> {
  await deleteTopic(brokers, topic)
  const isGone = () =>
    withAdmin(brokers, async admin => !(await admin.listTopics()).includes(topic))
  await expect.poll(isGone).toBe(true)
  await createTopic(brokers, topic, 3)
}
