// Loads a server with autocannon and tells how long its answers took. The percentiles are our own:
// autocannon's are whole milliseconds.
import { once } from 'node:events'
import autocannon from 'autocannon'

export interface LoadTask {
  readonly url: string
  readonly bodies: readonly string[]
  readonly connections: number
  readonly seconds?: number
  /** Requests in all, instead of a time. */
  readonly amount?: number
}

export interface LoadResult {
  /** Milliseconds. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly perSecond: number
  readonly answered: number
  /** Answers that were not 200, and requests without one. */
  readonly failed: number
}

export async function load(task: LoadTask): Promise<LoadResult> {
  const { url, bodies, connections, seconds = 3, amount } = task
  const times: number[] = []
  const startedAt = performance.now()
  const options: autocannon.Options = {
    url,
    connections,
    ...(amount === undefined ? { duration: seconds } : { amount }),
    requests: bodies.map(body => ({
      method: 'POST',
      path: '/v1/recommendations',
      headers: { 'content-type': 'application/json' },
      body
    }))
  }
  const run = autocannon(options, () => {})
  run.on('response', (_client, _status, _bytes, time) => {
    times.push(time)
  })
  const [result] = (await once(run, 'done')) as [autocannon.Result]
  const elapsed = (performance.now() - startedAt) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Number.NaN
  return {
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    perSecond: times.length / elapsed,
    answered: times.length,
    failed: result.non2xx + result.errors + result.timeouts
  }
}
