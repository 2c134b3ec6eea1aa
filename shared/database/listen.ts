// Hears notifications of Postgres. They are lost while the connection is, so that whoever listens is told
// whenever it is made anew, too, and asks for itself what it missed.
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from '#shared/runtime/logging.ts'
import { type Pool, withinMs } from './pool.ts'

export interface ListeningFacts {
  /** One connection of it is kept. */
  readonly pool: Pool
  /** A name of ours: never from outside. */
  readonly channel: string
  /** Told once listening began, and at every notification; it must not throw. */
  readonly onNews: () => void
  readonly log: Logger
  /** How often the connection is asked whether it still answers; five seconds unless told otherwise. */
  readonly probeMs?: number
}

/** Before a lost connection is made anew. */
const retryMs = 1000
const standardProbeMs = 5000

/** Listens until closed. @returns a function that stops and gives the connection back. */
export function startListening({
  pool,
  channel,
  onNews,
  log,
  probeMs = standardProbeMs
}: ListeningFacts): () => Promise<void> {
  const stopping = new AbortController()
  let isFailing = false

  const listenOnce = async () => {
    const client = await pool.connect()
    const { ended, end, forget } = endOf(client, stopping.signal)
    const inTime = withinMs(client, probeMs)
    // A connection may go silent without ending: then nothing is heard, and nothing says so.
    const probing = setInterval(() => inTime.query('select').catch(end), probeMs)
    let lost: Error | undefined
    try {
      client.on('notification', onNews)
      await inTime.query(`listen ${channel}`)
      if (isFailing) log.info({ channel }, 'listening to Postgres again')
      isFailing = false
      onNews()
      lost = await ended
      if (!lost) await inTime.query(`unlisten ${channel}`)
    } catch (error) {
      lost = error as Error
    } finally {
      clearInterval(probing)
      client.off('notification', onNews)
      forget()
      client.release(lost ?? false)
    }
    if (lost) throw lost
  }
  const listenOn = async () => {
    while (!stopping.signal.aborted) {
      try {
        await listenOnce()
      } catch (error) {
        if (!isFailing) log.warn({ channel, err: error }, 'not listening to Postgres, trying on')
        isFailing = true
        await pause(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }
  const stopped = listenOn()
  return () => {
    stopping.abort()
    return stopped
  }
}

interface End {
  /** Resolves with what broke the connection, or with nothing when listening is to stop. */
  readonly ended: Promise<Error | undefined>
  /** Something else broke it. */
  readonly end: (lost: Error) => void
  /** Takes back what listens on the connection, which the pool may lend again, and on the signal. */
  readonly forget: () => void
}

function endOf(client: pg.PoolClient, signal: AbortSignal): End {
  let resolve: (lost?: Error) => void = () => {}
  const ended = new Promise<Error | undefined>(resolved => {
    resolve = resolved
  })
  const onError = (error: Error) => resolve(error)
  const onEnd = () => resolve(new Error('the connection ended'))
  const onAbort = () => resolve()
  client.on('error', onError)
  client.on('end', onEnd)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  const forget = () => {
    client.off('error', onError)
    client.off('end', onEnd)
    signal.removeEventListener('abort', onAbort)
  }
  return { ended, end: onError, forget }
}
