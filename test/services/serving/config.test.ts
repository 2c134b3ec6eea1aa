import { expect, test } from 'vitest'
import { servingConfig } from '#services/serving/config.ts'

const DATABASE_URL = 'postgres://localhost/nextrie'

test('everything but the database has a standard value', () => {
  expect(servingConfig({ DATABASE_URL })).toMatchObject({
    databaseUrl: DATABASE_URL,
    host: '127.0.0.1',
    port: 8080,
    logLevel: 'info',
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

test.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])('%s may be listened on', HOST => {
  expect(servingConfig({ DATABASE_URL, HOST }).host).toBe(HOST)
})

test.each(['0.0.0.0', '::', '192.168.1.5', '128.0.0.1', '::ffff:10.0.0.1', 'shop.example.com'])(
  '%s is refused, because there are no API keys',
  HOST => {
    expect(() => servingConfig({ DATABASE_URL, HOST })).toThrow(/HOST must be a loopback address/)
  }
)

test('all faults are named at once', () => {
  const environment = { HOST: '0.0.0.0', PORT: '80 80', SESSION_GAP_MINUTES: '-1' }

  expect(() => servingConfig(environment)).toThrow(
    /DATABASE_URL is missing; HOST must .*; PORT must .*; SESSION_GAP_MINUTES must/
  )
})
