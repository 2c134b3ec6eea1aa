import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readRelease, writeRelease } from '#shared/releases/release-folder.ts'
import { manifestFacts } from '#test/support/small-release.ts'

const facts = manifestFacts({ releaseId: 'r1' })
const files = { 'model.json': Buffer.from('{"width": 8}\n'), 'items.bin': Buffer.from([0, 255, 7]) }

let folder: string

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'nextrie-releases-')), 'not', 'there yet')
})
afterEach(() => rm(join(folder, '../..'), { recursive: true }))

test('a release comes back byte by byte, with size and hash of each file in its manifest', async () => {
  const { manifest, location } = await writeRelease(folder, facts, files)

  const release = await readRelease(location)

  expect(location).toBe(join(folder, 'r1'))
  expect(release).toEqual({ manifest, files })
  expect(manifest.files['items.bin']).toEqual({
    bytes: 3,
    sha256: createHash('sha256').update(files['items.bin']).digest('hex')
  })
  expect((await readdir(location)).sort()).toEqual(['items.bin', 'manifest.json', 'model.json'])
})

test('a file that changed by a byte is refused by name', async () => {
  const { location } = await writeRelease(folder, facts, files)
  await writeFile(join(location, 'items.bin'), Buffer.from([0, 255, 8]))

  await expect(readRelease(location)).rejects.toMatchObject({
    code: 'RELEASE_CORRUPT',
    message: expect.stringMatching(/items\.bin of release r1/)
  })
})

test('a file that was cut short, or grew, is refused', async () => {
  const { location } = await writeRelease(folder, facts, files)

  await appendFile(join(location, 'model.json'), ' ')
  await expect(readRelease(location)).rejects.toMatchObject({ code: 'RELEASE_CORRUPT' })
  await writeFile(join(location, 'model.json'), '')
  await expect(readRelease(location)).rejects.toMatchObject({ code: 'RELEASE_CORRUPT' })
})

test.each(['items.bin', 'manifest.json'])('without its %s a release is not found', async name => {
  const { location } = await writeRelease(folder, facts, files)
  await rm(join(location, name))

  await expect(readRelease(location)).rejects.toMatchObject({
    code: 'RELEASE_NOT_FOUND',
    message: `${name} is missing in ${location}`
  })
})

test('a manifest that cannot be read says so', async () => {
  const { location } = await writeRelease(folder, facts, files)
  const text = await readFile(join(location, 'manifest.json'), 'utf8')
  await writeFile(join(location, 'manifest.json'), text.slice(0, 100))

  await expect(readRelease(location)).rejects.toMatchObject({
    code: 'RELEASE_CORRUPT',
    message: 'manifest.json is not JSON'
  })
})

test('a release under its own name is whole from the moment it is there', async () => {
  const large = { 'items.bin': Buffer.alloc(8 << 20, 7), 'model.json': Buffer.alloc(1 << 20) }
  let isWritten = false
  let looks = 0
  const writing = writeRelease(folder, facts, large).then(() => {
    isWritten = true
  })

  while (!isWritten) {
    looks++
    if (existsSync(join(folder, 'r1'))) await readRelease(join(folder, 'r1'))
    await setImmediate()
  }
  await writing

  expect(looks).toBeGreaterThan(1)
  expect(await readdir(folder)).toEqual(['r1'])
})

test('a release that cannot be written leaves nothing behind', async () => {
  const unwritable = { ...files, 'no/such/folder.bin': Buffer.from([1]) }

  await expect(writeRelease(folder, facts, unwritable)).rejects.toThrow('no/such/folder.bin')

  expect(await readdir(folder)).toEqual([])
})

test('a release is never overwritten', async () => {
  const { location } = await writeRelease(folder, facts, files)
  const other = { 'model.json': Buffer.from('{}') }

  await expect(writeRelease(folder, facts, other)).rejects.toThrow()

  expect((await readRelease(location)).files).toEqual(files)
  expect(await readdir(folder)).toEqual(['r1'])
})
