// Asks the running service for one recommendation, as a shop would, and lays the answer out to read.
import { RecommenderError } from '#shared/runtime/errors.ts'
import { textTable } from './text-table.ts'

export interface Question {
  /** The service's address, such as http://127.0.0.1:8080. */
  readonly url: string
  /** A session that the service knows, or the items clicked so far, oldest first. */
  readonly about: { readonly session: string } | { readonly items: readonly string[] }
  /** How many items; the service's standard when absent. */
  readonly count?: number
  /** Needed as soon as a key exists. */
  readonly apiKey?: string | undefined
}

/** The part of the answer that is shown. */
export interface Answer {
  readonly recommendation_id: string
  readonly release: string
  readonly items: readonly {
    readonly item: string
    readonly score: number
    readonly source: string
    readonly attributes?: Readonly<Record<string, unknown>>
  }[]
}

const timeoutMs = 10_000

/**
 * @throws SERVING_UNAVAILABLE when nobody answers, or answers that it cannot; the service's own
 *   explanation is in the message.
 */
export async function askRecommendation({ url, about, count, apiKey }: Question): Promise<Answer> {
  const address = new URL('/v1/recommendations', url)
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey && { authorization: `Bearer ${apiKey}` })
    },
    body: JSON.stringify({ ...about, ...(count !== undefined && { n: count }), attributes: true }),
    signal: AbortSignal.timeout(timeoutMs)
  }).catch(cause => {
    throw new RecommenderError(
      'SERVING_UNAVAILABLE',
      `nobody answers at ${url}: start the service with \`npm start\`, or name it with --url`,
      { cause, canRetry: true }
    )
  })
  const text = await response.text()
  if (response.ok) return JSON.parse(text)
  throw new RecommenderError('SERVING_UNAVAILABLE', `${address} answers ${explain(response, text)}`)
}

/** The words of problem+json where there are some. */
function explain(response: Response, text: string): string {
  const isProblem = response.headers.get('content-type')?.includes('json')
  const problem = isProblem ? (JSON.parse(text) as Record<string, unknown>) : {}
  return `${response.status}: ${problem.detail ?? problem.title ?? text.slice(0, 200)}`
}

/** A few lines: which release answered, and a row for each item. */
export function describeAnswer(answer: Answer): string {
  const rows = answer.items.map(({ item, score, source, attributes = {} }, i) => {
    const known = Object.entries(attributes).map(([name, value]) => `${name} ${String(value)}`)
    return [i + 1, item, score.toFixed(4), source, known.join(', ').slice(0, 80)]
  })
  const table = textTable(['#', 'item', 'score', 'source', 'attributes'], rows)
  return `recommendation ${answer.recommendation_id} from release ${answer.release}\n${table}`
}
