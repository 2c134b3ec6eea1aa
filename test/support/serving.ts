// Serving as a process of its own, asked over HTTP as a shop asks it.
import { expect, vi } from 'vitest'
import type { Environment } from '#shared/runtime/config.ts'
import { type Program, startProgram, whileRunning } from './program.ts'

/** The body of a request for recommendations. */
export interface Question {
  readonly session?: string
  readonly items?: readonly string[]
  readonly n?: number
  readonly filter?: object
}

export interface Answer {
  readonly recommendation_id: string
  readonly release: string
  readonly items: readonly { readonly item: string; readonly source: string }[]
}

export interface Serving extends Program {
  readonly url: string
  /** Fails when the answer is a problem. */
  ask(question: Question): Promise<Answer>
}

/** Starts serving on a free port and waits until a release is loaded. */
export async function startServing(environment: Environment): Promise<Serving> {
  const listening = 'Server listening at '
  const program = await startProgram(
    'services/serving/main.ts',
    { SHUTDOWN_GRACE_MS: '0', ...environment, PORT: '0' }, // they keep connections open
    listening
  )
  const line = program.lines.find(line => line.includes(listening))!
  const url = (JSON.parse(line) as { msg: string }).msg.slice(listening.length)
  const isReady = async () => (await fetch(`${url}/health/ready`)).ok
  await whileRunning(program, vi.waitUntil(isReady, { timeout: 30_000 }))
  return { ...program, url, ask: question => ask(url, question) }
}

async function ask(url: string, question: Question): Promise<Answer> {
  const response = await fetch(`${url}/v1/recommendations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question)
  })
  const answer = await response.json()
  expect(answer).toHaveProperty('recommendation_id') // otherwise this shows the problem
  return answer as Answer
}
