// The product's promise, with nothing left out: a shop's clicks come in by Kafka, a model is trained
// on them, and the next click of a visitor changes what is recommended.
import type { Message } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { liveRelease } from '#shared/releases/registry.ts'
import { loggedIds } from '#test/services/ingestion/harness.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import type { Answer } from '#test/support/serving.ts'
import { Product } from './product.ts'
import { readShop, type Shop } from './shop.ts'

/** A second would do, on a machine that has nothing else to do. */
const patience = { timeout: 20_000 }

describeWithKafka('from a click to a recommendation', brokers => {
  let shop: Shop
  let product: Product

  beforeAll(async () => {
    shop = await readShop()
    product = await Product.create(brokers)
    await product.startIngestion()
    await product.sendItems(shop.items)
    await product.sendEvents(shop.events)
    await product.untilIngested()
    await product.train()
    await product.startServing()
  })
  afterAll(() => product?.close())

  test('every event of the shop is in the log once, also when it is sent again', async () => {
    await product.sendEvents(shop.events.slice(0, 500))
    await product.untilIngested()

    const ids = await loggedIds(product.harness)
    const ofShop = ids.filter(id => id.startsWith('eshop-clothing-2008:'))

    expect(ofShop.sort()).toEqual([...shop.eventIds].sort())
  })

  test('the release recommends far better than popularity', async () => {
    const release = await liveRelease(product.harness.database.pool)
    const recallOf = (name: string) =>
      release!.manifest.metrics.find(({ method }) => method === name)!.recallAt10

    expect(recallOf('nextrie')).toBeGreaterThan(3 * recallOf('popularity'))
  })

  test('the next click of a session changes its answer', async () => {
    const session = 'visitor'
    await product.sendEvents([click({ id: 'first', session, item: 'A13' })])
    await product.untilIngested()
    const before = await product.ask({ session })

    await product.sendEvents([click({ id: 'second', session, item: 'C5' })])
    await expect
      .poll(async () => itemsOf(await product.ask({ session })), patience)
      .not.toEqual(itemsOf(before))
    const after = await product.ask({ session })
    const tail = await readSessionTail(product.harness.database.pool, session)

    expect(tail!.events.map(({ id }) => id)).toEqual(['first', 'second'])
    expect(before.items).toEqual((await product.ask({ items: ['A13'] })).items)
    expect(after.items).toEqual((await product.ask({ items: ['A13', 'C5'] })).items)
    expect(after.items[0]!.source).toBe('generated')
    expect(after.release).toBe(before.release)
  })

  test('an item that the shop hides is recommended no more', async () => {
    const question = { items: ['B4'] }
    const [best = ''] = itemsOf(await product.ask(question))
    const hidden = JSON.stringify({ id: best, attributes: {}, visible: false })

    await product.sendItems([{ key: best, value: hidden }])

    await expect
      .poll(async () => itemsOf(await product.ask(question)), patience)
      .not.toContain(best)
  })

  test('a malformed message is put aside with its reason, and those after it arrive', async () => {
    const { config, readTopic } = product.harness
    const malformed = Buffer.from('{"id": "broken", "type": "click", "ti')
    const next = click({ id: 'after-malformed', session: 'unharmed', item: 'B4' })

    await product.sendEvents([
      { key: 'k', value: malformed, headers: { trace: 'abc' }, partition: 0 },
      { ...next, partition: 0 }
    ])
    await product.untilIngested()

    expect(await loggedIds(product.harness)).toContain('after-malformed')
    expect(await readTopic(config.deadLetterTopic, 1)).toMatchObject([
      {
        key: Buffer.from('k'),
        value: malformed,
        headers: {
          trace: Buffer.from('abc'),
          'nextrie-reason': Buffer.from('the message is not JSON'),
          'nextrie-topic': Buffer.from(config.eventsTopic),
          'nextrie-partition': Buffer.from('0')
        }
      }
    ])
  })

  test('each program stops in order when it is asked to, and goes on where it was', async () => {
    const exitCodes = await product.stop()
    await product.sendEvents([click({ id: 'meanwhile', session: 'patient', item: 'P1' })])
    await Promise.all([product.startIngestion(), product.startServing()])
    await product.untilIngested()
    const answer = await product.ask({ session: 'patient' })

    expect(exitCodes).toEqual({ ingestion: 0, serving: 0 })
    expect(answer.items).toEqual((await product.ask({ items: ['P1'] })).items)
  })
})

interface Click {
  readonly id: string
  readonly session: string
  readonly item: string
}

/** All at one time, as the items that a question names are taken. */
function click(fields: Click): Message {
  const event = { ...fields, type: 'click', time: '2026-03-01T09:00:00Z' }
  return { key: fields.session, value: JSON.stringify(event) }
}

function itemsOf({ items }: Answer): string[] {
  return items.map(({ item }) => item)
}
