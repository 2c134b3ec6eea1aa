// GET /v1/releases: which models were published, and which one answers here.
import { Type } from 'typebox'
import type { Manifest } from '#shared/releases/manifest.ts'
import { listReleases } from '#shared/releases/registry.ts'
import { problemResponse } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'

const Quality = Type.Object(
  {
    method: Type.String({ description: 'The release, or a simple method beside it' }),
    recall_at_10: Type.Number(),
    ndcg_at_10: Type.Number(),
    mrr_at_20: Type.Number(),
    coverage_at_10: Type.Number()
  },
  { description: 'Measured on later sessions that training had not seen' }
)

const WireRelease = Type.Object({
  id: Type.String(),
  state: Type.String({ description: 'candidate, shadow, live or retired' }),
  published_at: Type.String({ format: 'date-time' }),
  serving: Type.Boolean({ description: 'Whether this process answers with it' }),
  quality: Type.Array(Quality)
})

const schema = {
  operationId: 'listReleases',
  tags: ['operation'],
  summary: 'List the releases, newest first',
  response: {
    200: Type.Object({ releases: Type.Array(WireRelease) }),
    503: problemResponse('The registry is away: try again')
  }
}

/** Adds the route. */
export function addReleases(app: App, { pool, recommender }: ServingParts): void {
  app.get('/releases', { schema }, async () => {
    const releases = await listReleases(pool)
    return {
      releases: releases.map(({ releaseId, state, publishedAt, manifest }) => ({
        id: releaseId,
        state,
        published_at: publishedAt.toISOString(),
        serving: releaseId === recommender.releaseId(),
        quality: manifest.metrics.map(toWire)
      }))
    }
  })
}

function toWire(measured: Manifest['metrics'][number]) {
  return {
    method: measured.method,
    recall_at_10: measured.recallAt10,
    ndcg_at_10: measured.ndcgAt10,
    mrr_at_20: measured.mrrAt20,
    coverage_at_10: measured.coverageAt10
  }
}
