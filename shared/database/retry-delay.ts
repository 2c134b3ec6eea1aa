// Which database failures pass by themselves, and how long to wait before the same work is tried
// again. One table, so that ingestion, serving and the trainer judge alike.

/** Milliseconds by SQLSTATE (five characters) or Node's network error. */
const delaysMs: Readonly<Record<string, number>> = {
  '40001': 50, // serialization_failure: another transaction won
  '40P01': 50, // deadlock_detected
  '55P03': 200, // lock_not_available
  '25006': 2000, // read_only_sql_transaction: an old primary, while another takes over
  '25P03': 200, // idle_in_transaction_session_timeout: we were silent for too long (pool.ts)
  '53100': 5000, // disk_full: someone has to make room
  '53200': 2000, // out_of_memory
  '53300': 1000, // too_many_connections
  '57014': 500, // query_canceled: by hand, or by a statement timeout
  '57P01': 1000, // admin_shutdown
  '57P02': 1000, // crash_shutdown
  '57P03': 500, // cannot_connect_now: starting up, or recovering
  '57P05': 200, // idle_session_timeout
  '08000': 1000, // connection_exception
  '08001': 1000, // connection could not be made
  '08003': 1000, // connection_does_not_exist
  '08004': 1000, // connection rejected
  '08006': 1000, // connection_failure
  '08007': 1000, // transaction_resolution_unknown: the unique keys make a repeat harmless
  EAI_AGAIN: 1000,
  ECONNABORTED: 1000,
  ECONNREFUSED: 1000,
  ECONNRESET: 1000,
  EHOSTUNREACH: 2000,
  ENETUNREACH: 2000,
  ENOTFOUND: 2000, // in a cluster the name appears with the service
  EPIPE: 1000,
  ETIMEDOUT: 1000
}

/** node-postgres gives a broken connection no code, only these texts (pg 8.23, pg-pool 3). */
const brokenConnection =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/

/** Milliseconds to wait before trying again, or `undefined` when trying again would not help. */
export function retryDelayMs(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? String(error.code) : ''
  return (
    delaysMs[code] ??
    (brokenConnection.test(error.message) ? 1000 : undefined) ??
    retryDelayMs(error.cause)
  )
}

/**
 * What ends a session, or says that it leads to the wrong server: it was begun where nobody may write, and
 * stays so, even when others may write by now.
 */
const endings: readonly string[] = ['25006', '25P03', '57P01', '57P02', '57P03', '57P05']

/** Whether the connection that this came from is of no more use, though it may still answer. */
export function endsConnection(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  return ('code' in error && endings.includes(String(error.code))) || endsConnection(error.cause)
}
