// What is read from a release, checked: its files by name, and arrays by type.
import type { NamedArray } from '#shared/model/safetensors.ts'
import type { ReleaseFiles } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** @throws RecommenderError RELEASE_CORRUPT when the release has no such file. */
export function fileOf(files: ReleaseFiles, name: string): Uint8Array {
  const file = files[name]
  if (!file)
    throw new RecommenderError('RELEASE_CORRUPT', `the release has no ${name}; train again`)
  return file
}

/** @throws RecommenderError RELEASE_CORRUPT when it is missing or of another type. */
export function floats(array: NamedArray | undefined): Float32Array {
  if (array?.values instanceof Float32Array) return array.values
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    'an array of the release is missing or has another type'
  )
}

/** @throws RecommenderError RELEASE_CORRUPT when it is missing or of another type. */
export function integers(array: NamedArray | undefined): Int32Array {
  if (array?.values instanceof Int32Array) return array.values
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    'an array of the release is missing or has another type'
  )
}
