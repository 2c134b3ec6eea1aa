import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireSameGap } from '#services/serving/session-gap.ts'
import { manifestFacts } from '#test/support/small-release.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextrie-gap-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function trainedWith(settings: unknown): Promise<void> {
  const manifest = { ...manifestFacts({ releaseId: 'r7', config: { settings } }), files: {} }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
}

test('a release is served with the gap that it was trained with', async () => {
  await trainedWith({ sessionGapMinutes: 45 })

  await expect(requireSameGap(folder, 45)).resolves.toBeUndefined()
  await expect(requireSameGap(folder, 30)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^release r7 .* cut at 45 minutes, .* cuts them at 30: set SESS/)
  })
})

test('a release that says no gap, and one that is not there, are for others to judge', async () => {
  await trainedWith(undefined)
  await expect(requireSameGap(folder, 30)).resolves.toBeUndefined()
  await expect(requireSameGap(join(folder, 'nowhere'), 30)).resolves.toBeUndefined()
})
