// A shop for the flow tests: a part of the bundled click stream, as the messages that the shop itself
// would send to Kafka.
import type { Message } from 'kafkajs'
import {
  type DatasetLine,
  findDataset,
  readEventLines,
  readItemLines
} from '#services/nextrie/read-dataset.ts'

/** Every twentieth session: 8,000 clicks, enough to learn from in some ten seconds. */
const sessionStep = 20

export interface Shop {
  readonly items: readonly Message[]
  readonly events: readonly Message[]
  readonly eventIds: readonly string[]
}

interface EventFields {
  readonly id: string
  readonly session: string
}

/** All items, and the clicks of every nth session. */
export async function readShop(): Promise<Shop> {
  const folder = findDataset('eshop-clothing-2008')
  const items = await messagesOf<{ id: string }>(readItemLines(folder))
  const clicks = await messagesOf<EventFields>(readEventLines(folder))
  const chosen = clicks.filter(({ session }) => Number(session) % sessionStep === 0)
  return {
    items: items.map(item => ({ key: item.id, value: JSON.stringify(item) })),
    events: chosen.map(click => ({ key: click.session, value: JSON.stringify(click) })),
    eventIds: chosen.map(({ id }) => id)
  }
}

async function messagesOf<T>(lines: AsyncIterable<DatasetLine>): Promise<T[]> {
  const messages: T[] = []
  for await (const line of lines) {
    if ('rejected' in line) throw new Error(`line ${line.line}: ${line.rejected}`)
    messages.push(line.message as T)
  }
  return messages
}
