// The client of a Kafka cluster, as every program makes it: brokers, TLS, SASL, patience, log.
// kafkajs lives here, and in the consumer of services/ingestion, and nowhere else.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Kafka, type SASLOptions } from 'kafkajs'
import type { Logger } from '#shared/runtime/logging.ts'
import './codecs.ts'
import { pinoLogCreator } from './kafka-log.ts'
import { kafkaRetry } from './kafka-retry.ts'
import { checkKafkaSettings, type KafkaSettings } from './kafka-settings.ts'

export interface KafkaIdentity {
  readonly settings: KafkaSettings
  /** Shown in the brokers' logs and quotas. */
  readonly clientId: string
  readonly log: Logger
}

/**
 * Makes a client; nothing is connected yet.
 *
 * @throws CONFIG_INVALID when the settings contradict each other or a file of them cannot be read.
 */
export function createKafka({ settings, clientId, log }: KafkaIdentity): Kafka {
  checkKafkaSettings(settings)
  const [ssl, sasl] = [tlsOptions(settings), saslOptions(settings)]
  return new Kafka({
    clientId,
    brokers: [...settings.brokers],
    retry: kafkaRetry,
    logCreator: pinoLogCreator(log),
    ...(ssl && { ssl }),
    ...(sasl && { sasl })
  })
}

function tlsOptions(settings: KafkaSettings): ConnectionOptions | undefined {
  const { tls, tlsCaFile, tlsCertificateFile, tlsKeyFile } = settings
  if (tls === 'off') return undefined
  return {
    rejectUnauthorized: true,
    ...(tlsCaFile !== undefined && { ca: [readFileSync(tlsCaFile, 'utf8')] }),
    ...(tlsCertificateFile !== undefined && { cert: readFileSync(tlsCertificateFile, 'utf8') }),
    ...(tlsKeyFile !== undefined && { key: readFileSync(tlsKeyFile, 'utf8') })
  }
}

/** Present together with the mechanism: checkKafkaSettings has seen to that. */
function saslOptions(settings: KafkaSettings): SASLOptions | undefined {
  const { saslMechanism: mechanism, saslUsername = '', saslPassword = '' } = settings
  if (mechanism === 'none') return undefined
  return { mechanism, username: saslUsername, password: saslPassword }
}
