import { expect, test } from 'vitest'
import { type Manifest, parseManifest } from '#shared/releases/manifest.ts'
import { manifestFacts } from '#test/support/small-release.ts'

const manifest: Manifest = { ...manifestFacts(), files: {} }

test('a manifest comes back as it was written, fields of later versions included', () => {
  const newer = { ...manifest, madeBy: 'a later version' }

  expect(parseManifest(JSON.stringify(newer))).toEqual(newer)
})

test.each<[string, unknown]>([
  ['/format', { ...manifest, format: 2 }],
  ['/createdAt', { ...manifest, createdAt: 'yesterday' }],
  ['/data/sessions/test', withSessions({ training: 1, validation: 1, test: 1.5 })],
  ['/metrics/0/recallAt10', { ...manifest, metrics: [{ ...row(), recallAt10: '0.5' }] }],
  ['/files/weights.safetensors', { ...manifest, files: { 'weights.safetensors': { bytes: 3 } } }],
  ['releaseId', { ...manifest, releaseId: undefined }]
])('a manifest whose %s is wrong is refused by that name', (field, wrong) => {
  expect(() => parseManifest(JSON.stringify(wrong))).toThrow(
    expect.objectContaining({
      code: 'RELEASE_CORRUPT',
      message: expect.stringContaining(field)
    })
  )
})

test.each(['', '{"format": 1', 'null', '[]'])('the text %j is no manifest', text => {
  expect(() => parseManifest(text)).toThrow(
    expect.objectContaining({
      code: 'RELEASE_CORRUPT',
      message: expect.stringContaining('manifest.json')
    })
  )
})

function withSessions(sessions: Manifest['data']['sessions']): Manifest {
  return { ...manifest, data: { ...manifest.data, sessions } }
}

function row(): Manifest['metrics'][number] {
  const zeros = { recallAt10: 0, ndcgAt10: 0, recallAt20: 0, mrrAt20: 0, coverageAt10: 0 }
  return { method: 'nextrie', targets: 10, ...zeros }
}
