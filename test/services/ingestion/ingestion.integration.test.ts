import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPlace } from '#shared/eventlog/consumer-offsets.ts'
import { countDeadLetters, listDeadLetters } from '#shared/eventlog/dead-letters.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { limitMessages, withAdmin } from '#test/support/kafka/client.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import {
  click,
  clicks,
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

describeWithKafka('ingestion', brokers => {
  let harness: Harness

  beforeEach(async () => {
    harness = await createHarness(brokers)
  })
  afterEach(() => harness.close())

  test('logs each event once, also when it is produced twice', async () => {
    const { produce, config } = harness
    const ingestion = await harness.start()

    await produce(config.eventsTopic, clicks(0, 500))
    await produce(config.eventsTopic, [...clicks(0, 500), click('last')])
    await untilLogged(harness, 501)
    await ingestion.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted([...idsOf(0, 500), 'last']))
  })

  test('keeps the tail of a session up with its log', async () => {
    const ingestion = await harness.start()

    await harness.produce(harness.config.eventsTopic, [click('e-2'), click('e-1'), click('e-3')])
    await untilLogged(harness, 3)
    await ingestion.stop()

    const tail = await readSessionTail(harness.database.pool, 's-1')
    expect(tail!.events.map(event => event.id)).toEqual(['e-1', 'e-2', 'e-3'])
  })

  test('puts a message it cannot accept aside, byte by byte with the reason, and goes on', async () => {
    const { produce, config, database } = harness
    const malformed = Buffer.from([0x7b, 0xff, 0x00])
    const nameless = JSON.stringify({ ...JSON.parse(String(click('e-2').value)), item: undefined })
    const ingestion = await harness.start()

    await produce(config.eventsTopic, [
      { ...click('e-1'), partition: 0 },
      { key: 'k', value: malformed, headers: { trace: ['a', 'b'] }, partition: 0 },
      { key: null, value: nameless, partition: 0 },
      { ...click('e-3'), partition: 0 }
    ])
    await untilLogged(harness, 2)
    const letters = await harness.readTopic(config.deadLetterTopic, 2)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual(['e-1', 'e-3'])
    expect(letters).toMatchObject([
      {
        key: Buffer.from('k'),
        value: malformed,
        headers: {
          trace: [Buffer.from('a'), Buffer.from('b')],
          'nextrie-reason': Buffer.from('the message is not UTF-8 text'),
          'nextrie-topic': Buffer.from(config.eventsTopic),
          'nextrie-partition': Buffer.from('0'),
          'nextrie-offset': Buffer.from('1')
        }
      },
      {
        key: null,
        value: Buffer.from(nameless),
        headers: { 'nextrie-reason': Buffer.from('item is missing: a click names its item') }
      }
    ])
    expect(await listDeadLetters(database.pool, { limit: 10 })).toMatchObject([
      { offset: 1, payload: malformed, reason: 'the message is not UTF-8 text' },
      { offset: 2, reason: 'item is missing: a click names its item' }
    ])
  })

  test('goes on past a dead letter that its topic finds too large, and keeps it', async () => {
    const { produce, config, database } = harness
    await limitMessages(brokers, config.deadLetterTopic, 1000)
    const huge = Buffer.alloc(5000, 'x')
    const ingestion = await harness.start()

    await produce(config.eventsTopic, [
      { value: 'small', partition: 0 },
      { value: huge, partition: 0 },
      { ...click('e-1'), partition: 0 }
    ])
    await untilLogged(harness, 1)
    const letters = await harness.readTopic(config.deadLetterTopic, 1)
    await ingestion.stop()

    expect(letters).toMatchObject([{ value: Buffer.from('small') }])
    expect(await listDeadLetters(database.pool, { limit: 10 })).toMatchObject([
      { payload: Buffer.from('small') },
      { payload: huge }
    ])
  })

  test('sends a great many short malformed messages in few requests', async () => {
    const { produce, config, database } = harness
    await limitMessages(brokers, config.deadLetterTopic, 100_000) // less than a request of ours
    const ingestion = await harness.start()
    const malformed = Array.from({ length: 5000 }, () => ({ value: 'ping', partition: 0 }))

    await produce(config.eventsTopic, [...malformed, { ...click('e-1'), partition: 0 }])
    await untilLogged(harness, 1)
    await ingestion.stop()

    expect(await countDeadLetters(database.pool)).toBe(5000)
    const letters = await harness.readTopic(config.deadLetterTopic, 5000)
    expect(letters).toHaveLength(5000)
    expect(requestsOf(letters).size).toBeLessThan(50)
  })

  test('puts messages aside whose headers have names that Postgres does not take', async () => {
    const { produce, config, database } = harness
    const headers = { ce_specversion: '1.0', 'ce_x\0y': Buffer.from([0xff, 0xfe]) }
    const ingestion = await harness.start()

    await produce(config.eventsTopic, [
      { ...click('e-1'), headers, partition: 0 },
      { ...click('e-2'), partition: 0 }
    ])
    await untilLogged(harness, 1)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual(['e-2'])
    expect(await listDeadLetters(database.pool, { limit: 10 })).toMatchObject([
      { offset: 0, reason: 'header "ce_x\\u0000y" is not UTF-8 text' }
    ])
  })

  test('goes on where it stopped', async () => {
    const { produce, config, database } = harness
    const first = await harness.start()
    await produce(config.eventsTopic, [{ ...click('e-1'), partition: 0 }])
    await untilLogged(harness, 1)
    await first.stop()
    await produce(config.eventsTopic, [{ ...click('e-2'), partition: 0 }])

    const second = await harness.start()
    await untilLogged(harness, 2)
    await second.stop()

    const { group, eventsTopic: topic } = config
    expect(await loggedIds(harness)).toEqual(['e-1', 'e-2'])
    expect((await readPlace(database.pool, { group, topic, partition: 0 }))?.next).toBe(2)
  })

  test('believes the offsets in Postgres, whatever Kafka has kept for the group', async () => {
    const { produce, config, database } = harness
    const first = await harness.start()
    await produce(config.eventsTopic, clicks(0, 100))
    await untilLogged(harness, 100)
    await first.stop()
    await database.pool.query('truncate events, session_tails, consumer_offsets')

    const second = await harness.start()
    await untilLogged(harness, 100)
    await second.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted(idsOf(0, 100)))
  })

  test('writes nothing of a batch whose partition another consumer has moved on', async () => {
    const { database } = harness
    const ingestion = await harness.start()
    const send = (from: number, to: number) => sendToFirstPartition(harness, from, to)
    await send(0, 5)
    await untilLogged(harness, 5)

    await database.pool.query('update consumer_offsets set next_offset = 8 where partition = 0')
    await send(5, 10)
    await untilLogged(harness, 7)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual([...idsOf(0, 5), ...idsOf(8, 10)])
  })

  test('reads again what it had read behind a batch that was refused', async () => {
    const { database } = harness
    const ingestion = await harness.start()
    const send = (from: number, to: number) => sendToFirstPartition(harness, from, to)
    await send(0, 5)
    await untilLogged(harness, 5)

    const overtaking = await database.pool.connect()
    await overtaking.query('begin')
    await overtaking.query('update consumer_offsets set next_offset = 8 where partition = 0')
    await send(5, 10)
    await untilWaiting(harness)
    await send(10, 15)
    await send(15, 20)
    await overtaking.query('commit')
    overtaking.release()
    await untilLogged(harness, 17)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual([...idsOf(0, 5), ...idsOf(8, 20)])
  })

  test('shares the partitions among its processes, and nothing is lost or doubled by that', async () => {
    const { produce, config } = harness
    const first = await harness.start()
    await produce(config.eventsTopic, clicks(0, 1000))
    const second = await harness.start()
    await produce(config.eventsTopic, clicks(1000, 2000))
    await untilLogged(harness, 1500)
    await first.stop()
    await produce(config.eventsTopic, clicks(2000, 3000))
    await untilLogged(harness, 3000)
    await second.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted(idsOf(0, 3000)))
  })

  test('tries a batch again when Postgres ends its connections', async () => {
    const { produce, config, database } = harness
    const ingestion = await harness.start()

    for (let from = 0; from < 1000; from += 100) {
      await produce(config.eventsTopic, clicks(from, from + 100))
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'ingestion'`
      )
    }
    await untilLogged(harness, 1000)
    await ingestion.stop()

    expect(sorted(await loggedIds(harness))).toEqual(sorted(idsOf(0, 1000)))
  })

  test('keeps its partitions during a batch that takes longer than the session timeout', async () => {
    const { produce, config, database } = harness
    const logLock = 0x65_6c_6f_67 // see append-events.ts
    const ingestion = await harness.start()
    const memberBefore = await onlyMember(brokers, config.group)

    const holder = await database.pool.connect()
    await holder.query('select pg_advisory_lock($1)', [logLock])
    await produce(config.eventsTopic, [click('e-1')])
    await pause((config.sessionTimeoutSeconds + 2) * 1000)
    const memberDuring = await onlyMember(brokers, config.group)
    await holder.query('select pg_advisory_unlock($1)', [logLock])
    holder.release()
    await untilLogged(harness, 1)
    await ingestion.stop()

    expect(memberDuring).toBe(memberBefore)
  })

  test('skips what a producer has rolled back', async () => {
    const { config } = harness
    const ingestion = await harness.start()

    await inTransaction(brokers, config.eventsTopic, 'e-1', 'abort')
    await inTransaction(brokers, config.eventsTopic, 'e-2', 'commit')
    await untilLogged(harness, 1)
    await inTransaction(brokers, config.eventsTopic, 'e-3', 'abort')
    await inTransaction(brokers, config.eventsTopic, 'e-4', 'commit')
    await untilLogged(harness, 2)
    await ingestion.stop()

    expect(await loggedIds(harness)).toEqual(['e-2', 'e-4'])
  })

  test('follows the catalogue: items come, change and go', async () => {
    const { produce, config, database } = harness
    const margin = { price: [1, 2] } // what no contract names is kept, too
    const item = (id: string, attributes: object) => ({
      key: id,
      value: JSON.stringify({ id, attributes, margin })
    })
    const read = async () => {
      const { rows } = await database.pool.query(
        'select item_key, attributes, properties from items where is_visible order by item_key'
      )
      return rows
    }
    const ingestion = await harness.start()

    await produce(config.itemsTopic, [
      item('A1', { colour: 'red' }),
      item('A2', { colour: 'blue' }),
      item('A1', { colour: 'green' }),
      { key: 'A3', value: 'no item' }
    ])
    await expect.poll(read).toEqual([
      { item_key: 'A1', attributes: { colour: 'green' }, properties: { margin } },
      { item_key: 'A2', attributes: { colour: 'blue' }, properties: { margin } }
    ])
    await produce(config.itemsTopic, [{ key: 'A1', value: null }])
    await expect.poll(read).toMatchObject([{ item_key: 'A2', attributes: { colour: 'blue' } }])
    await ingestion.stop()

    expect(await harness.readTopic(config.deadLetterTopic, 1)).toHaveLength(1)
  })

  test('says which topics are missing instead of waiting for them', async () => {
    const { config } = harness
    await deleteTopic(brokers, config.itemsTopic)

    await expect(harness.start()).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining(config.itemsTopic)
    })
  })
})

/** Waits until a batch waits for a lock. */
async function untilWaiting({ database }: Harness): Promise<void> {
  const read = async () => {
    const { rows } = await database.pool.query(
      `select count(*) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`
    )
    return rows[0].count
  }
  await expect.poll(read).toBe(1)
}

async function onlyMember(brokers: string[], group: string): Promise<string | undefined> {
  const { groups } = await withAdmin(brokers, admin => admin.describeGroups([group]))
  return groups[0]?.members[0]?.memberId
}

/** A request of a producer becomes a batch of the partition, of which kafkajs gives each message the head. */
function requestsOf(messages: readonly object[]): Set<string> {
  const heads = messages as { batchContext: { firstOffset: string } }[]
  return new Set(heads.map(({ batchContext }) => batchContext.firstOffset))
}
