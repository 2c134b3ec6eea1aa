import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type SecureBroker,
  secureUser,
  startSecureBroker
} from '#test/support/kafka/secure-broker.ts'
import { describeWithOwnKafka } from '#test/support/kafka.ts'
import { click, createHarness, type Harness, loggedIds, startIngestionProgram } from './harness.ts'

describeWithOwnKafka('a broker that lets nobody in who does not prove who they are', () => {
  let broker: SecureBroker
  let harness: Harness

  beforeAll(async () => {
    broker = await startSecureBroker()
    harness = await createHarness(broker.plain)
  })
  afterAll(async () => {
    await harness.close()
    await broker.stop()
  })

  const saslOf = (mechanism: string) => ({
    KAFKA_BROKERS: broker.saslBrokers.join(','),
    KAFKA_TLS: 'on',
    KAFKA_TLS_CA_FILE: broker.caFile,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: secureUser.username,
    KAFKA_SASL_PASSWORD: secureUser.password
  })
  const certificate = () => ({
    KAFKA_BROKERS: broker.tlsBrokers.join(','),
    KAFKA_TLS: 'on',
    KAFKA_TLS_CA_FILE: broker.caFile,
    KAFKA_TLS_CERTIFICATE_FILE: broker.clientCertificateFile,
    KAFKA_TLS_KEY_FILE: broker.clientKeyFile
  })
  const environment = (more: Record<string, string>) => ({
    ...harness.environment,
    KAFKA_GROUP: `${harness.config.group}-${Object.values(more).length}`,
    LOG_LEVEL: 'trace',
    ...more
  })

  test.each([
    ['a password', () => saslOf('plain')],
    ['a password that is not sent (SHA-256)', () => saslOf('scram-sha-256')],
    ['a password that is not sent (SHA-512)', () => saslOf('scram-sha-512')],
    ['a certificate', certificate]
  ])('lets ingestion in by %s, and no log line repeats a secret', async (way, settings) => {
    const program = await startIngestionProgram(environment(settings()))
    await harness.produce(harness.config.eventsTopic, [
      { ...click(`e-1 ${way}`) },
      { value: `no event, by ${way}` }
    ])
    await expect
      .poll(async () => (await loggedIds(harness)).includes(`e-1 ${way}`), { timeout: 30_000 })
      .toBe(true)

    expect(await program.end('SIGTERM')).toBe(0)
    expect(program.lines.join('\n')).not.toContain(secureUser.password)
  })

  test.concurrent.each([
    ['a wrong password', () => ({ ...saslOf('plain'), KAFKA_SASL_PASSWORD: 'wrong-5e1f' })],
    [
      'a wrong password (SCRAM)',
      () => ({ ...saslOf('scram-sha-512'), KAFKA_SASL_PASSWORD: 'wrong-5e1f' })
    ],
    [
      'no password',
      () => ({
        ...saslOf('plain'),
        KAFKA_SASL_MECHANISM: 'none',
        KAFKA_SASL_USERNAME: '',
        KAFKA_SASL_PASSWORD: ''
      })
    ],
    [
      'no certificate',
      () => ({ ...certificate(), KAFKA_TLS_CERTIFICATE_FILE: '', KAFKA_TLS_KEY_FILE: '' })
    ],
    [
      'a broker that an unknown authority signed',
      () => ({ ...certificate(), KAFKA_TLS_CA_FILE: broker.clientCertificateFile })
    ]
  ])('does not read with %s, and the program ends with 1 and says so', async (_, settings) => {
    const started = startIngestionProgram(environment(settings()))

    const failure = await started.then(
      () => 'it was let in',
      (error: Error) => error.message
    )
    expect(failure).toMatch(/"code":"KAFKA_UNAVAILABLE"/)
    expect(failure).not.toContain('wrong-5e1f')
    expect(failure).not.toContain(secureUser.password)
  })
})
