// How to reach a Kafka cluster: its brokers, and what they demand of a client. Every program that
// talks to Kafka reads the same variables.
import { readFileSync } from 'node:fs'
import { absent, list, oneOf, path, type Reader, type Settings } from '#shared/runtime/config.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

export const saslMechanisms = ['none', 'plain', 'scram-sha-256', 'scram-sha-512'] as const
export type SaslMechanism = (typeof saslMechanisms)[number]

export interface KafkaSettings {
  /** host:port of some brokers of the cluster; the others are found through them. */
  readonly brokers: readonly string[]
  /** Whether to speak TLS. The brokers' certificates are always checked. */
  readonly tls: 'on' | 'off'
  /** PEM file of the authority that signed the brokers' certificates; the system's when absent. */
  readonly tlsCaFile: string | undefined
  /** PEM files of our own certificate and its key, for brokers that ask for one. */
  readonly tlsCertificateFile: string | undefined
  readonly tlsKeyFile: string | undefined
  readonly saslMechanism: SaslMechanism
  readonly saslUsername: string | undefined
  readonly saslPassword: string | undefined
}

/** @param brokers how to read KAFKA_BROKERS: required, or absent for programs that can do without. */
export function kafkaVariables(brokers: Reader<readonly string[]> = list()) {
  return {
    brokers: ['KAFKA_BROKERS', brokers],
    tls: ['KAFKA_TLS', oneOf(['on', 'off'], 'off')],
    tlsCaFile: ['KAFKA_TLS_CA_FILE', absentFile],
    tlsCertificateFile: ['KAFKA_TLS_CERTIFICATE_FILE', absentFile],
    tlsKeyFile: ['KAFKA_TLS_KEY_FILE', absentFile],
    saslMechanism: ['KAFKA_SASL_MECHANISM', oneOf(saslMechanisms, 'none')],
    saslUsername: ['KAFKA_SASL_USERNAME', absent],
    saslPassword: ['KAFKA_SASL_PASSWORD', absent]
  } satisfies Settings<KafkaSettings>
}

const absentFile: Reader<string | undefined> = text => (text ? path()(text) : { value: undefined })

/**
 * What is wrong with the variables together: `readConfig` tells it with the faults of each. Values are not
 * repeated: they may be secret.
 */
export function kafkaFaults(settings: Partial<KafkaSettings>): string[] {
  return [...tlsFaults(settings), ...saslFaults(settings)]
}

/** @throws CONFIG_INVALID naming each variable at fault. */
export function checkKafkaSettings(settings: KafkaSettings): void {
  const faults = kafkaFaults(settings)
  if (faults.length > 0) throw new RecommenderError('CONFIG_INVALID', faults.join('; '))
}

function tlsFaults(settings: Partial<KafkaSettings>): string[] {
  const files = [
    ['KAFKA_TLS_CA_FILE', settings.tlsCaFile],
    ['KAFKA_TLS_CERTIFICATE_FILE', settings.tlsCertificateFile],
    ['KAFKA_TLS_KEY_FILE', settings.tlsKeyFile]
  ] as const
  const isOff = settings.tls === 'off'
  const faults = files.flatMap(([variable, file]) => {
    if (file === undefined) return []
    return isOff ? [`${variable} is of no use without KAFKA_TLS=on`] : fileFaults(variable, file)
  })
  const [certificate, key] = [settings.tlsCertificateFile, settings.tlsKeyFile]
  if ((certificate === undefined) === (key === undefined)) return faults
  return [...faults, 'KAFKA_TLS_CERTIFICATE_FILE and KAFKA_TLS_KEY_FILE belong together: set both']
}

function fileFaults(variable: string, file: string): string[] {
  try {
    return readFileSync(file, 'utf8').includes('-----BEGIN ') ? [] : [`${variable} is no PEM file`]
  } catch {
    return [`${variable} cannot be read`]
  }
}

function saslFaults(settings: Partial<KafkaSettings>): string[] {
  const { saslMechanism, saslUsername, saslPassword, tls } = settings
  if (saslMechanism === undefined) return []
  const credentials = [
    ['KAFKA_SASL_USERNAME', saslUsername],
    ['KAFKA_SASL_PASSWORD', saslPassword]
  ] as const
  if (saslMechanism === 'none') {
    return credentials.flatMap(([variable, value]) =>
      value === undefined ? [] : [`${variable} is of no use without KAFKA_SASL_MECHANISM`]
    )
  }
  const faults = credentials.flatMap(([variable, value]) =>
    value === undefined ? [`${variable} is missing: KAFKA_SASL_MECHANISM asks for it`] : []
  )
  const isReadable = saslMechanism === 'plain' && tls === 'off'
  return isReadable
    ? [...faults, 'KAFKA_SASL_MECHANISM=plain sends the password readable: set KAFKA_TLS=on']
    : faults
}
