// The program when something that it needs is not there, or goes silent. What is killed and comes back:
// faults.integration.test.ts and outage.integration.test.ts.
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '#services/nextrie/ports.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import { createEmptyDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { startSilentProxy } from '#test/support/silent-proxy.ts'
import { clicks, createHarness, startIngestionProgram, untilLogged } from './harness.ts'

const nobody = '127.0.0.1:1'

describeWithKafka('the ingestion program', brokers => {
  const openHarness = async (database?: TestDatabase) => {
    const harness = await createHarness(brokers, database)
    onTestFinished(harness.close)
    return harness
  }
  const readiness = async (port: number | undefined) => {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
    const { status } = (await response.json()) as { status: string }
    return `${response.status} ${status}`
  }

  test('goes on when connections to Postgres went silent', async () => {
    const harness = await openHarness()
    const proxy = await startSilentProxy(harness.database.url)
    const port = await freePort('127.0.0.1', 0)
    const program = await startIngestionProgram({
      ...harness.environment,
      DATABASE_URL: proxy.url,
      INGESTION_PORT: String(port),
      INGESTION_STUCK_SECONDS: '10'
    })
    await harness.produce(harness.config.eventsTopic, clicks(0, 100))
    await untilLogged(harness, 100)

    proxy.silenceOpen()
    await harness.produce(harness.config.eventsTopic, clicks(100, 200))
    await untilLogged(harness, 200)
    await expect.poll(() => readiness(port), { timeout: 20_000 }).toBe('200 idle')

    expect(await program.end('SIGTERM')).toBe(0)
    await proxy.close()
  })

  test('is not ready before it has reached Postgres, and stops in order when told to', async () => {
    const { environment } = await openHarness()
    const port = await freePort('127.0.0.1', 0)
    const program = await startIngestionProgram(
      {
        ...environment,
        DATABASE_URL: `postgres://nobody@${nobody}/nothing`,
        INGESTION_PORT: String(port)
      },
      'trying again' // the group has given it partitions
    )

    expect(await readiness(port)).toBe('503 starting')
    expect(await program.end('SIGTERM')).toBe(0)
  })

  test('stops in order when told to while it waits for Kafka', async () => {
    const { environment } = await openHarness()
    const program = await startIngestionProgram(
      { ...environment, KAFKA_BROKERS: nobody },
      'Failed to connect to seed broker' // and kafkajs tries again for many seconds
    )

    expect(await program.end('SIGTERM')).toBe(0)
    expect(program.lines.at(-1)).toContain('"msg":"stopped"')
  })

  test('says of a database that was never migrated how to migrate it', async () => {
    const { environment } = await openHarness(await createEmptyDatabase())
    const program = await startIngestionProgram(environment, 'the schema is not of this version')

    expect(await program.exited).toBe(1)
    expect(program.lines.at(-1)).toContain('run `npx nextrie migrate`"')
    expect(program.lines.join()).not.toContain('"level":"error"')
  })
})
