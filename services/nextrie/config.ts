// What the command line reads from the environment. Its programs read their own settings.
import {
  absent,
  type Environment,
  integer,
  list,
  readConfig,
  required,
  text
} from '#shared/runtime/config.ts'

/** @throws CONFIG_INVALID when DATABASE_URL is missing. */
export function databaseConfig(environment: Environment): { readonly databaseUrl: string } {
  return readConfig(environment, { databaseUrl: ['DATABASE_URL', required] })
}

export interface TopicsConfig {
  readonly eventsTopic: string
  readonly itemsTopic: string
}

/** Which topics hold events and items; ingestion reads the same variables. */
export function topicsConfig(environment: Environment): TopicsConfig {
  return readConfig<TopicsConfig>(environment, {
    eventsTopic: ['KAFKA_EVENTS_TOPIC', text('events')],
    itemsTopic: ['KAFKA_ITEMS_TOPIC', text('items')]
  })
}

/** The key to ask the service with, where it wants one. */
export function apiKeyConfig(environment: Environment): { readonly apiKey: string | undefined } {
  return readConfig(environment, { apiKey: ['NEXTRIE_API_KEY', absent] })
}

export interface AddressConfig {
  readonly host: string
  readonly port: number
}

/** Where serving listens. */
export function addressConfig(environment: Environment): AddressConfig {
  return readConfig<AddressConfig>(environment, {
    host: ['HOST', text('127.0.0.1')],
    port: ['PORT', integer(0, 8080, 65_535)]
  })
}

/** A longer pause ends a session; the trainer and serving read the same variable. */
export function sessionConfig(environment: Environment): { readonly gapMinutes: number } {
  return readConfig(environment, { gapMinutes: ['SESSION_GAP_MINUTES', integer(0, 30)] })
}

export interface DoctorConfig extends AddressConfig {
  readonly databaseUrl: string | undefined
  readonly kafkaBrokers: readonly string[]
}

/** Everything may be absent: saying so is what the doctor is for. */
export function doctorConfig(environment: Environment): DoctorConfig {
  return readConfig<DoctorConfig>(environment, {
    databaseUrl: ['DATABASE_URL', absent],
    kafkaBrokers: ['KAFKA_BROKERS', list([])],
    host: ['HOST', text('127.0.0.1')],
    port: ['PORT', integer(0, 8080, 65_535)]
  })
}
