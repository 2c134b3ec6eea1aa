import { expect, test } from 'vitest'
import { ingestionConfig } from '#services/ingestion/config.ts'

test('only the database and the brokers have to be named', () => {
  const config = ingestionConfig({
    DATABASE_URL: 'postgres://localhost/nextrie',
    KAFKA_BROKERS: 'a:9092, b:9092'
  })

  expect(config).toEqual({
    databaseUrl: 'postgres://localhost/nextrie',
    brokers: ['a:9092', 'b:9092'],
    eventsTopic: 'events',
    itemsTopic: 'items',
    deadLetterTopic: 'events.dead-letter',
    group: 'nextrie-ingestion',
    tls: 'off',
    tlsCaFile: undefined,
    tlsCertificateFile: undefined,
    tlsKeyFile: undefined,
    saslMechanism: 'none',
    saslUsername: undefined,
    saslPassword: undefined,
    sessionTimeoutSeconds: 6,
    host: '127.0.0.1',
    port: 8081,
    stuckSeconds: 60,
    retentionDays: 0,
    logLevel: 'info'
  })
})

test('every fault is named at once', () => {
  const environment = {
    LOG_LEVEL: 'loud',
    KAFKA_SESSION_TIMEOUT_SECONDS: '1',
    KAFKA_SASL_USERNAME: 'u'
  }

  expect(() => ingestionConfig(environment)).toThrow(
    /DATABASE_URL is missing; KAFKA_BROKERS is missing; KAFKA_SESSION_TIMEOUT_SECONDS must be .*; LOG_LEVEL must be .*; KAFKA_SASL_USERNAME is of no use/
  )
})
