// Connections to Postgres: a pool, one connection of it, a transaction. Everything that runs SQL
// takes a Connection, so that the caller decides whether several statements commit together.
import pg from 'pg'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { endsConnection, retryDelayMs } from './retry-delay.ts'

export type Pool = pg.Pool
/** Whatever runs a statement: one connection, or the pool, which picks a free one each time. */
export type Connection = Pick<pg.ClientBase, 'query'>

export interface PoolOptions {
  /** Connections at most; ten unless told otherwise. */
  readonly size?: number
  /** Shown in pg_stat_activity. */
  readonly name?: string
  /** How long to wait for a connection, in ms; ten seconds unless told otherwise. */
  readonly connectMs?: number
  /**
   * A statement without an answer by then fails, and its connection is given up: it may have gone silent.
   * No limit unless told otherwise. What Postgres has begun it goes on with.
   */
  readonly queryMs?: number
  /** Hears of connections that broke while nobody used them. */
  readonly log?: Logger
}

/** Longer than a server's restart, shorter than patience. */
const standardConnectMs = 10_000
/** A peer that is gone without a word is asked after this time, and given up ten seconds later. */
const keepAliveMs = 10_000

/**
 * Makes a pool; nothing is connected yet. Whoever asks for a connection, or has the pool run a statement,
 * gets DATABASE_UNAVAILABLE when none can be made. bigint columns come back as numbers; one beyond 2^53
 * fails its query. Whoever makes the pool ends it.
 */
export function createPool(
  databaseUrl: string,
  { size = 10, name, log, connectMs = standardConnectMs, queryMs }: PoolOptions = {}
): Pool {
  const pool = new ExplainingPool({
    connectionString: databaseUrl,
    max: size,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    types: typeParsers(),
    ...(name && { application_name: name }),
    ...(queryMs && { query_timeout: queryMs })
  })
  // Without a listener Node would end the process. The pool has dropped the connection already.
  pool.on('error', error => log?.warn({ err: error }, 'lost an idle database connection'))
  return pool
}

/**
 * Runs `act` on a pool of its own, and ends it.
 *
 * @throws DATABASE_UNAVAILABLE when no connection can be made or one is lost; MIGRATION_FAILED when the
 * schema is not there; otherwise what `act` throws.
 */
export async function withPool<T>(
  databaseUrl: string,
  options: PoolOptions,
  act: (pool: Pool) => Promise<T>
): Promise<T> {
  const pool = createPool(databaseUrl, options)
  try {
    return await act(pool)
  } catch (error) {
    throw toDatabaseError(error)
  } finally {
    await pool.end()
  }
}

/**
 * The same connection for statements that take another time than its pool's `queryMs`: those that read
 * much. It runs texts only.
 */
export function withinMs(connection: Connection, queryMs: number): Connection {
  const query = (text: string, values?: unknown[]) =>
    connection.query({ text, values, query_timeout: queryMs } as pg.QueryConfig)
  return { query: query as Connection['query'] }
}

/**
 * Runs `act` on one connection of the pool.
 *
 * @throws DATABASE_UNAVAILABLE when no connection can be made; otherwise what `act` throws.
 */
export async function withConnection<T>(
  pool: Pool,
  act: (connection: Connection) => Promise<T>
): Promise<T> {
  const client = await pool.connect()
  let lost: Error | undefined
  // A connection that breaks between two statements says so by this event; the next statement fails.
  const onError = (error: Error) => {
    lost = error
  }
  client.on('error', onError)
  try {
    return await act(client)
  } catch (error) {
    if (isOutOfTime(error) || endsConnection(error)) lost = error
    throw error
  } finally {
    client.off('error', onError)
    client.release(lost)
  }
}

/**
 * A client that has gone silent is nothing that Postgres hears of for hours: it would keep what it has
 * locked. Nobody of ours is silent for a minute within a transaction.
 */
const begin = "begin; set local idle_in_transaction_session_timeout = '1min'"

/**
 * Runs `act` in a transaction: committed when it returns, rolled back when it throws.
 *
 * @throws DATABASE_UNAVAILABLE when no connection can be made; otherwise what `act` throws, or
 * the failure to commit.
 */
export async function withTransaction<T>(
  pool: Pool,
  act: (connection: Connection) => Promise<T>
): Promise<T> {
  return withConnection(pool, async connection => {
    await connection.query(begin)
    try {
      const result = await act(connection)
      await commit(connection)
      return result
    } catch (error) {
      if (!isOutOfTime(error)) await rollBack(connection)
      throw error
    }
  })
}

/** Postgres answers a commit after a failed statement with a rollback, and calls it no error. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await connection.query('commit')
  if (command === 'COMMIT') return
  throw new Error('rolled back: a statement of this transaction failed and nobody said so')
}

/** A rollback only fails on a broken connection, and then the server has rolled back by itself. */
async function rollBack(connection: Connection): Promise<void> {
  await connection.query('rollback').catch(() => undefined)
}

/**
 * Whether a statement took longer than `queryMs`. Its connection is of no more use: node-postgres goes on
 * waiting for the answer, and whatever is asked next waits behind it. The pool's own `query` knows that.
 */
export function isOutOfTime(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout' // it has no code
}

type ConnectCallback = Parameters<InstanceType<typeof pg.Pool>['connect']>[0]

/** Its statements connect by the same method, with a callback. */
class ExplainingPool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const connected = this.#connect()
    if (!callback) return connected
    connected.then(
      client => callback(undefined, client, error => client.release(error)),
      error => callback(error, undefined, () => undefined)
    )
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await super.connect()
    } catch (cause) {
      throw unavailable(cause)
    }
  }
}

function unavailable(cause: unknown): RecommenderError {
  return new RecommenderError(
    'DATABASE_UNAVAILABLE',
    `no connection to Postgres (${reason(cause)}); check DATABASE_URL and that the server runs`,
    { cause, canRetry: retryDelayMs(cause) !== undefined }
  )
}

/**
 * What Postgres says, in our words: DATABASE_UNAVAILABLE for what passes by itself, MIGRATION_FAILED for a
 * schema that nobody has brought up to date. Everything else is a bug, and comes back as it is.
 */
export function toDatabaseError(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof RecommenderError) return cause
  if (retryDelayMs(cause) !== undefined) {
    const message = `Postgres could not go on (${reason(cause)}); once it runs well, try again`
    return new RecommenderError('DATABASE_UNAVAILABLE', message, { cause, canRetry: true })
  }
  if (!('code' in cause && missingInSchema.includes(String(cause.code)))) return cause
  const message = `the schema is not of this version (${reason(cause)}): run \`npx nextrie migrate\``
  return new RecommenderError('MIGRATION_FAILED', message, { cause })
}

/** undefined_table, undefined_column */
const missingInSchema: readonly string[] = ['42P01', '42703']

/** Node's error for "refused on every address" has a code and an empty message. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}

function typeParsers(): pg.TypeOverrides {
  const parsers = new pg.TypeOverrides()
  parsers.setTypeParser(pg.types.builtins.INT8, parseWholeNumber)
  return parsers
}

function parseWholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number`)
  return value
}
