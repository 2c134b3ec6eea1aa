// Health for whoever runs this process: live means that it need not be restarted, ready that it can
// answer recommendations now.
import { setTimeout as pause } from 'node:timers/promises'
import { Type } from 'typebox'
import type { Pool } from '#shared/database/pool.ts'
import type { App, ServingParts } from '../serving-parts.ts'

const Live = Type.Object({ status: Type.Literal('live') })

const Readiness = Type.Object({
  status: Type.Enum(['ready', 'degraded', 'unready', 'stopping'], {
    description:
      'degraded: questions that name their items are answered, what needs Postgres is not, or changes of ' +
      'the catalogue are not taken in'
  }),
  postgres: Type.Union([Type.Literal('reachable'), Type.Literal('away')]),
  seconds_behind: Type.Optional(
    Type.Integer({
      description: 'Since all changes of the catalogue were last taken in, if long ago'
    })
  ),
  release: Type.Optional(Type.String({ description: 'Absent while none is loaded' })),
  loading: Type.Optional(
    Type.Object(
      {
        release: Type.String(),
        items: Type.Integer({ description: 'Changed since it was trained, and taken in so far' })
      },
      { description: 'A release that will answer as soon as it is loaded' }
    )
  ),
  refused: Type.Optional(
    Type.Object(
      { release: Type.String(), reason: Type.String() },
      { description: 'A newer release that could not be loaded; the one before it answers' }
    )
  )
})

const tags = ['operation']

/** Adds both routes. */
export function addHealth(app: App, { pool, recommender, log, ending }: ServingParts): void {
  const live = { tags, summary: 'Whether the process answers at all', response: { 200: Live } }
  app.get('/health/live', { schema: live }, async () => ({ status: 'live' as const }))

  const ready = {
    tags,
    summary: 'Whether recommendations can be answered now',
    response: { 200: Readiness, 503: Readiness }
  }
  app.get('/health/ready', { schema: ready }, async (_, reply) => {
    const fault = await postgresFault(pool)
    if (fault) log.debug({ err: fault }, 'postgres is away')
    const release = recommender.releaseId()
    const loading = recommender.loading?.()
    const refused = recommender.refused?.()
    const behind = recommender.catalogueState?.()?.secondsBehind ?? 0
    const isBehind = behind >= secondsBehindAtMost
    const isWhole = !fault && !isBehind
    const state = release === undefined ? 'unready' : isWhole ? 'ready' : 'degraded'
    const status = ending?.isNear ? 'stopping' : state
    return reply.code(status === 'unready' || status === 'stopping' ? 503 : 200).send({
      status,
      postgres: fault ? 'away' : 'reachable',
      ...(isBehind && { seconds_behind: behind }),
      ...(release !== undefined && { release }),
      ...(loading && { loading: { release: loading.releaseId, items: loading.items } }),
      ...(refused && { refused: { release: refused.releaseId, reason: refused.reason } })
    })
  })
}

/** Postgres must say something within this time to count as reachable. */
const patienceMs = 2000
/** A look each second may fail, and a page of many new items takes a while. */
const secondsBehindAtMost = 5

async function postgresFault(pool: Pool): Promise<unknown> {
  const answer = pool.query('select 1').then(
    () => undefined,
    fault => fault ?? 'unknown'
  )
  return Promise.race([answer, pause(patienceMs, 'no answer in time', { ref: false })])
}
