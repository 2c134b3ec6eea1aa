import { expect, test } from 'vitest'
import { servingConfig } from '#services/serving/config.ts'
import { isLoopback } from '#services/serving/guard-address.ts'

const DATABASE_URL = 'postgres://localhost/nextrie'

test('everything but the database has a standard value', () => {
  expect(servingConfig({ DATABASE_URL })).toMatchObject({
    databaseUrl: DATABASE_URL,
    host: '127.0.0.1',
    port: 8080,
    logLevel: 'info',
    requestsPerMinute: 60_000,
    shutdownGraceMs: 3000,
    sessionGapMinutes: 30,
    brokers: [],
    eventsTopic: 'events',
    tls: 'off',
    tlsCaFile: undefined,
    tlsCertificateFile: undefined,
    tlsKeyFile: undefined,
    saslMechanism: 'none',
    saslUsername: undefined,
    saslPassword: undefined
  })
})

test.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])('%s needs no API key', HOST => {
  expect(isLoopback(servingConfig({ DATABASE_URL, HOST }).host)).toBe(true)
})

test.each(['0.0.0.0', '::', '192.168.1.5', '128.0.0.1', '::ffff:10.0.0.1', 'shop.example.com'])(
  '%s is beyond loopback',
  HOST => {
    expect(isLoopback(servingConfig({ DATABASE_URL, HOST }).host)).toBe(false)
  }
)

test('all faults are named at once', () => {
  const environment = { PORT: '80 80', SESSION_GAP_MINUTES: '-1' }

  expect(() => servingConfig(environment)).toThrow(
    /DATABASE_URL is missing; PORT must .*; SESSION_GAP_MINUTES must/
  )
})
