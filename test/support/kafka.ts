// Kafka for tests: a real broker, real topics. Where no broker can be had (no Java and no download)
// the tests that need one are skipped and say why; with CI=true they fail instead.
import { describe, inject } from 'vitest'
import { startBroker } from './kafka/broker.ts'
import { createTopic } from './kafka/client.ts'
import { installKafka } from './kafka/install-kafka.ts'
import { describeMissing } from './missing.ts'

export interface TestKafka {
  readonly brokers: string[]
  createTopic(name: string, partitions: number): Promise<void>
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>
}

/** What global set-up hands to the tests. */
export type ProvidedKafka =
  | { readonly brokers: string[]; readonly isOurs: boolean }
  | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    kafka: ProvidedKafka
  }
}

/** The brokers of KAFKA_BROKERS when that is set, otherwise an own one. */
export async function startKafka(): Promise<TestKafka | { missing: string }> {
  const given = process.env.KAFKA_BROKERS
  return given ? useGiven(given.split(',')) : startOwnKafka()
}

/** A broker that belongs to the caller, who may kill it. */
export async function startOwnKafka(): Promise<TestKafka | { missing: string }> {
  const kafka = await installKafka()
  if ('missing' in kafka) return kafka
  const broker = await startBroker(kafka)
  return { ...broker, createTopic: (name, count) => createTopic(broker.brokers, name, count) }
}

/** A suite whose tests use the shared broker; `run` is given its address. */
export function describeWithKafka(title: string, run: (brokers: string[]) => void): void {
  const kafka = inject('kafka')
  if ('brokers' in kafka) describe(title, () => run(kafka.brokers))
  else describeMissing(title, 'Kafka', kafka.missing)
}

/** A suite that starts, kills and restarts a broker of its own. */
export function describeWithOwnKafka(title: string, run: () => void): void {
  const kafka = inject('kafka')
  if ('missing' in kafka) describeMissing(title, 'Kafka', kafka.missing)
  else if (kafka.isOurs) describe(title, run)
  else describeMissing(title, 'a broker of its own', 'those of KAFKA_BROKERS are not ours to kill')
}

function useGiven(brokers: string[]): TestKafka {
  const notOurs = () => Promise.reject(new Error('the brokers of KAFKA_BROKERS are not ours'))
  return {
    brokers,
    createTopic: (name, partitions) => createTopic(brokers, name, partitions),
    stop: () => Promise.resolve(),
    kill: notOurs,
    restart: notOurs
  }
}
