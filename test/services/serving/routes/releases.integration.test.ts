import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Manifest } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

test('releases are listed, the newest first, with the one that answers marked', async () => {
  const measured = {
    method: 'popularity',
    targets: 100,
    recallAt10: 0.1,
    recallAt20: 0.2,
    ndcgAt10: 0.05,
    mrrAt20: 0.04,
    coverageAt10: 0.01
  }
  await announce({ releaseId: 'r1', metrics: [measured] })
  await announce({ releaseId: 'r2', metrics: [] })

  const response = await serving.app.inject({ method: 'GET', url: '/v1/releases' })

  const published_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
  const quality = [
    {
      method: 'popularity',
      recall_at_10: 0.1,
      ndcg_at_10: 0.05,
      mrr_at_20: 0.04,
      coverage_at_10: 0.01
    }
  ]
  expect(response.json()).toEqual({
    releases: [
      { id: 'r2', state: 'live', published_at, serving: false, quality: [] },
      { id: 'r1', state: 'retired', published_at, serving: true, quality }
    ]
  })
})

/** The registry reads no more of a manifest than this. */
async function announce(manifest: Pick<Manifest, 'releaseId' | 'metrics'>): Promise<void> {
  const location = `/releases/${manifest.releaseId}`
  await announceRelease(serving.database.pool, { manifest: manifest as Manifest, location })
}
