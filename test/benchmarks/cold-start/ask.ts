// Questions to a serving process over HTTP.
import type { Click } from '#shared/sessions/session.ts'

export interface Answer {
  readonly items: readonly { readonly item: string; readonly source: string }[]
}

/** What is asked: the clicks before a held-out one. */
export interface Question {
  readonly clicks: readonly Click[]
  readonly target: string
}

/** @throws when the answer is no success. */
export async function request(url: string, method: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

export interface Asking {
  readonly url: string
  readonly count: number
  /** As evaluation asks: where visitors come back to items. */
  readonly repeat: boolean
}

/** @returns the answer to each question, by its session. */
export async function askAll({ url, count, repeat }: Asking): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let start = 0; start < count; start += 1000) {
    const lines = Array.from({ length: Math.min(1000, count - start) }, (_, i) =>
      JSON.stringify({ session: `q${start + i}`, n: 10, repeat })
    )
    const response = await fetch(`${url}/v1/recommendations/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n')
    })
    const text = await response.text()
    for (const line of text.trim().split('\n')) {
      const answer = JSON.parse(line) as Answer
      if (!answer.items) throw new Error(`a question was not answered: ${line}`)
      answers.push(answer)
    }
  }
  return answers
}
