import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import {
  checkKafkaSettings,
  type KafkaSettings,
  kafkaFaults,
  kafkaVariables
} from '#shared/messaging/kafka-settings.ts'
import { type Environment, readConfig } from '#shared/runtime/config.ts'

const plain = { KAFKA_BROKERS: 'a:1' }
const read = (environment: Environment) =>
  readConfig<KafkaSettings>({ ...plain, ...environment }, kafkaVariables(), kafkaFaults)

test('a cluster that demands nothing needs only its brokers', () => {
  expect(read({})).toMatchObject({ brokers: ['a:1'], tls: 'off', saslMechanism: 'none' })
})

test('files are found from the working directory', () => {
  const KAFKA_TLS_CA_FILE = 'test/shared/messaging/kafka-settings.test.ts'

  expect(() => read({ KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: 'ca.pem' })).toThrow(
    'KAFKA_TLS_CA_FILE cannot be read'
  )
  // This very file has the words that begin a PEM: -----BEGIN ...
  expect(read({ KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE }).tlsCaFile).toBe(resolve(KAFKA_TLS_CA_FILE))
})

test.each([
  [{ KAFKA_TLS: 'yes' }, /^KAFKA_TLS must be one of on, off$/],
  [{ KAFKA_TLS_CA_FILE: 'x' }, /^KAFKA_TLS_CA_FILE is of no use without KAFKA_TLS=on$/],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: 'package.json' }, /KAFKA_TLS_CA_FILE is no PEM file/],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_KEY_FILE: 'k' }, /CERTIFICATE_FILE and KAFKA_TLS_KEY_FILE belong/],
  [{ KAFKA_SASL_USERNAME: 'u' }, /^KAFKA_SASL_USERNAME is of no use without KAFKA_SASL_MECHANISM$/],
  [
    { KAFKA_BROKERS: '', KAFKA_SASL_MECHANISM: 'kerberos', KAFKA_TLS_KEY_FILE: 'k' },
    /^KAFKA_BROKERS is missing; KAFKA_SASL_MECHANISM must be .*; KAFKA_TLS_KEY_FILE is of no use .*; .* belong together: set both$/
  ],
  [
    { KAFKA_SASL_MECHANISM: 'scram-sha-256' },
    /KAFKA_SASL_USERNAME is missing: .*; KAFKA_SASL_PASSWORD is missing: /
  ],
  [
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'hunter2' },
    /^(?!.*hunter2)KAFKA_SASL_MECHANISM=plain sends the password readable: set KAFKA_TLS=on$/
  ]
])('%j is refused', (environment, fault) => {
  expect(() => read(environment)).toThrow(fault)
})

test('settings that did not come from the environment are checked by who uses them', () => {
  expect(() => checkKafkaSettings({ ...read({}), saslUsername: 'u' })).toThrow(
    'KAFKA_SASL_USERNAME is of no use without KAFKA_SASL_MECHANISM'
  )
})
