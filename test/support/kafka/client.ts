// The shop's side of Kafka, for tests and benchmarks: a client, topics, and names that are free.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'

/** A name for a topic or group that no other test uses. */
export function uniqueName(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`
}

/** A client for the test's own side: producing what a shop would, reading dead letters. */
export function testClient(brokers: string[]): Kafka {
  return new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING })
}

/** Creates a topic and waits until it can be written. */
export async function createTopic(
  brokers: string[],
  name: string,
  partitions: number
): Promise<void> {
  await withAdmin(brokers, async admin => {
    const topic = { topic: name, numPartitions: partitions }
    await admin.createTopics({ topics: [topic], waitForLeaders: false })
    while (!(await canBeWritten(admin, name))) await pause(20)
  })
}

/** Refuses messages of more bytes in a topic, as a broker's owner may. */
export async function limitMessages(
  brokers: string[],
  topic: string,
  bytes: number
): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }]
  const resource = { type: 2, name: topic, configEntries } // 2: a topic
  await withAdmin(brokers, admin =>
    admin.alterConfigs({ validateOnly: false, resources: [resource] })
  )
}

/** An administrator's connection for as long as `act` needs it. */
export async function withAdmin<T>(
  brokers: string[],
  act: (admin: Admin) => Promise<T>
): Promise<T> {
  const admin = testClient(brokers).admin()
  await admin.connect()
  try {
    return await act(admin)
  } finally {
    await admin.disconnect()
  }
}

/** A broker may not know for a moment what it was just told; kafkajs's own waiting fails on that. */
async function canBeWritten(admin: Admin, name: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    return topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
  } catch (error) {
    const { type } = error as { type?: string }
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'LEADER_NOT_AVAILABLE') return false
    throw error
  }
}
