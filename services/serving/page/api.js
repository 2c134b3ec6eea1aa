// Talks to the service this page came from, and remembers how to say the same with curl.
import { currentKey } from './api-key.js'

/**
 * @typedef {object} Reply
 * @property {boolean} ok
 * @property {number} status
 * @property {any} body the answer, or a problem (application/problem+json)
 * @property {number} roundTripMs as this browser saw it
 * @property {number | undefined} recommenderMs as the service measured it
 * @property {string} curl the request as a line for a shell
 */

/** @returns {Promise<Reply>} also for faults; status 0 when the service cannot be reached. */
export async function call(method, path, body) {
  const startedAt = performance.now()
  const curl = curlLine(method, path, body)
  try {
    const response = await fetch(path, {
      method,
      headers: headersFor(body),
      body: body ? JSON.stringify(body) : undefined
    })
    return {
      ok: response.ok,
      status: response.status,
      body: await response.json(),
      roundTripMs: performance.now() - startedAt,
      recommenderMs: durationOf(response.headers.get('server-timing')),
      curl
    }
  } catch {
    const problem = { title: 'Not reachable', detail: 'The service does not answer.' }
    const roundTripMs = performance.now() - startedAt
    return { ok: false, status: 0, body: problem, roundTripMs, recommenderMs: undefined, curl }
  }
}

function headersFor(body) {
  const key = currentKey()
  return {
    ...(body && { 'content-type': 'application/json' }),
    ...(key && { authorization: `Bearer ${key}` })
  }
}

function durationOf(serverTiming) {
  const duration = /dur=([\d.]+)/.exec(serverTiming ?? '')?.[1]
  return duration && Number(duration)
}

function curlLine(method, path, body) {
  const url = quote(`${location.origin}${path}`)
  // The key is not shown: whoever copies the line has it in a variable of their shell.
  const key = currentKey() ? ' \\\n  -H "authorization: Bearer $NEXTRIE_API_KEY"' : ''
  if (!body) return `curl -s ${url}${key}`
  const data = quote(JSON.stringify(body))
  const verb = method === 'POST' ? '' : ` -X ${method}`
  return `curl -s${verb} ${url}${key} \\\n  -H 'content-type: application/json' \\\n  -d ${data}`
}

/** For a POSIX shell. */
function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
