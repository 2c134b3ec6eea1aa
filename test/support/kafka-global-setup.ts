// One Kafka broker per test run, started before the first test and stopped after the last.
import type { TestProject } from 'vitest/node'
import { startKafka } from './kafka.ts'

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kafka = await startKafka()
  if ('missing' in kafka) {
    project.provide('kafka', kafka)
    return async () => {
      process.stderr.write(`\nThe tests that need Kafka did not run: ${kafka.missing}\n`)
    }
  }
  project.provide('kafka', { brokers: kafka.brokers, isOurs: !process.env.KAFKA_BROKERS })
  return kafka.stop
}
