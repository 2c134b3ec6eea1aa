// Messages that producers or brokers have packed. The broker packs anew what does not fit the topic's own
// setting, with the libraries that Java's producers use.
import { randomBytes } from 'node:crypto'
import { CompressionTypes, type Message } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testClient, withAdmin } from '#test/support/kafka/client.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import { click, clicks, createHarness, type Harness, loggedIds, untilLogged } from './harness.ts'

describeWithKafka('ingestion of packed messages', brokers => {
  let harness: Harness

  beforeEach(async () => {
    harness = await createHarness(brokers)
  })
  afterEach(() => harness.close())

  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('reads %s', async codec => {
    const { produce, config } = harness
    await packWith(brokers, config.eventsTopic, codec)
    const ingestion = await harness.start()

    await produce(config.eventsTopic, clicks(0, 2000))
    await produce(config.eventsTopic, [incompressible('e-2000'), ...clicks(2001, 2010)])
    await untilLogged(harness, 2010)
    await ingestion.stop()

    expect(new Set(await loggedIds(harness)).size).toBe(2010)
  })

  test('cuts what one fetch becomes into batches, each a transaction of its own', async () => {
    const { config } = harness
    const events = clicks(0, 5000).map(each => padded(each, 2000))
    await packed(brokers, config.eventsTopic, events)

    const ingestion = await harness.start()
    await untilLogged(harness, 5000)
    await ingestion.stop()

    expect(new Set(await loggedIds(harness)).size).toBe(5000)
    expect((await transactions(harness)).length).toBeGreaterThanOrEqual(3) // 10 MB by 4 MB
    expect(Math.max(...(await transactions(harness)))).toBeLessThan(2200)
  })

  test('reads on, partition by partition, where a fetch becomes more than it may', async () => {
    const { config } = harness
    for (let from = 0; from < 900; from += 300) {
      for (const partition of [0, 1]) {
        const name = `${partition}-`
        const events = clicks(from, from + 300).map(each => padded(each, 60_000, name)) // 18 MB
        await packed(brokers, config.eventsTopic, events, partition)
      }
    }

    const ingestion = await harness.start()
    await untilLogged(harness, 1800)
    await ingestion.stop()

    expect(new Set(await loggedIds(harness)).size).toBe(1800)
  })

  test('ends, and says where, at a batch that becomes larger than any may be', async () => {
    const { config } = harness
    const ingestion = await harness.start()

    await packed(brokers, config.eventsTopic, [{ value: Buffer.alloc(65 * 2 ** 20) }])

    await expect(ingestion.failed).rejects.toMatchObject({
      code: 'MESSAGES_UNREADABLE',
      message: expect.stringContaining('a batch that begins at offset 0, packed with gzip')
    })
    await ingestion.stop()
  })
})

type Event = Pick<Message, 'key' | 'value'>

/** Spaces behind its JSON cost nothing where they are not kept. */
function padded(event: Event, bytes: number, prefix = ''): Event {
  const value = JSON.parse(String(event.value))
  return {
    ...event,
    value: JSON.stringify({ ...value, id: prefix + value.id }) + ' '.repeat(bytes)
  }
}

function incompressible(id: string): Event {
  const value = JSON.parse(String(click(id).value))
  return { value: JSON.stringify({ ...value, padding: randomBytes(200_000).toString('base64') }) }
}

/** One batch, as kafkajs packs it. */
async function packed(
  brokers: string[],
  topic: string,
  events: readonly { readonly value: Event['value'] }[],
  partition = 0
): Promise<void> {
  const producer = testClient(brokers).producer()
  await producer.connect()
  const messages = events.map(event => ({ ...event, partition }))
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages })
  await producer.disconnect()
}

async function packWith(brokers: string[], topic: string, codec: string): Promise<void> {
  const configEntries = [{ name: 'compression.type', value: codec }]
  const resource = { type: 2, name: topic, configEntries } // 2: a topic
  await withAdmin(brokers, admin =>
    admin.alterConfigs({ validateOnly: false, resources: [resource] })
  )
}

/** How many events each transaction has logged. */
async function transactions({ database }: Harness): Promise<number[]> {
  const { rows } = await database.pool.query(
    'select count(*) from events group by xmin::text order by 1'
  )
  return rows.map(row => row.count)
}
