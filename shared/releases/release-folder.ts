// A release as a folder: manifest.json and the files it lists. It is written under a temporary name
// and renamed, so that a folder with a release's name is always whole, and never changed afterwards.
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type Manifest, parseManifest } from './manifest.ts'

/** File name -> content. */
export type ReleaseFiles = Readonly<Record<string, Uint8Array>>

export interface Release {
  readonly manifest: Manifest
  readonly files: ReleaseFiles
}

/** Writes a release below `folder`. @returns its manifest and the path of its own folder. */
export async function writeRelease(
  folder: string,
  facts: Omit<Manifest, 'files'>,
  files: ReleaseFiles
): Promise<{ readonly manifest: Manifest; readonly location: string }> {
  const manifest: Manifest = { ...facts, files: describeFiles(files) }
  const location = join(folder, facts.releaseId)
  const temporary = join(folder, `.${facts.releaseId}.${process.pid}`)
  try {
    await mkdir(temporary, { recursive: true })
    for (const [name, bytes] of Object.entries(files))
      await writeDurably(join(temporary, name), bytes)
    const text = `${JSON.stringify(manifest, null, 2)}\n`
    await writeDurably(join(temporary, 'manifest.json'), new TextEncoder().encode(text))
    await rename(temporary, location)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return { manifest, location }
}

/** On disk, not only in the system's cache, before the release is announced. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Reads a release and checks every file against its hash.
 *
 * @throws RecommenderError RELEASE_NOT_FOUND or RELEASE_CORRUPT, naming the file.
 */
export async function readRelease(location: string): Promise<Release> {
  const manifest = parseManifest((await readPart(location, 'manifest.json')).toString('utf8'))
  const files: Record<string, Uint8Array> = {}
  for (const [name, { sha256 }] of Object.entries(manifest.files)) {
    const bytes = await readPart(location, name)
    if (hashOf(bytes) !== sha256) {
      throw new RecommenderError(
        'RELEASE_CORRUPT',
        `${name} of release ${manifest.releaseId} does not match its hash`
      )
    }
    files[name] = bytes
  }
  return { manifest, files }
}

async function readPart(location: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(location, name))
  } catch (cause) {
    throw new RecommenderError('RELEASE_NOT_FOUND', `${name} is missing in ${location}`, { cause })
  }
}

function describeFiles(files: ReleaseFiles): Manifest['files'] {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [
      name,
      { bytes: bytes.byteLength, sha256: hashOf(bytes) }
    ])
  )
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
