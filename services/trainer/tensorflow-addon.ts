// Where TensorFlow's native addon has to lie for @tensorflow/tfjs-node-gpu, and whether it is there.
// The package's own install script fetches a library that its vendor no longer serves, so the addon
// is built by setup-tensorflow.ts into a cache and linked into the package. `npm ci` wipes the link, and
// whoever needs the addon next makes it again.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import util from 'node:util'

/** The newest release on 2026-11-23. The addon's C API is stable; 2.15 was tried as well. */
export const tensorflowVersion = '2.21.0'

export const tensorflowVariants = ['cpu', 'gpu'] as const
export type TensorflowVariant = (typeof tensorflowVariants)[number]

/** Where builds are kept unless told otherwise. */
export const addonCache = join(homedir(), '.cache', 'nextrie')

/** The N-API version that we build for; every Node we support has it. */
export const napiVersion = 8

/** `lib` holds the addon and `deps/lib` TensorFlow; the addon finds the latter by its own place. */
const linkedFolders = ['lib', 'deps'] as const

/** The folder of @tensorflow/tfjs-node-gpu, or `undefined` where the package is not installed. */
export function addonPackageFolder(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(
      '@tensorflow/tfjs-node-gpu/package.json'
    )
    return dirname(manifest)
  } catch {
    return undefined // not installed is an answer here, not a failure
  }
}

/** The addon's file below a package or build folder. */
export function addonFile(folder: string): string {
  return join(folder, 'lib', `napi-v${napiVersion}`, 'tfjs_binding.node')
}

/** True when the native addon and its library are in place, so that importing the package works. */
export function isTensorflowAddonBuilt(folder = addonPackageFolder()): boolean {
  return (
    folder !== undefined &&
    existsSync(addonFile(folder)) &&
    existsSync(join(folder, 'deps', 'lib', 'libtensorflow_cc.so.2'))
  )
}

/** All that a built addon depends on; Node's own version is not among it, thanks to N-API. */
export function buildFolder(
  cache: string,
  packageFolder: string,
  variant: TensorflowVariant
): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string
  }
  const machine = `${process.platform}-${process.arch}`
  const parts = [tensorflowVersion, variant, 'tfjs', version, `napi${napiVersion}`, machine]
  return join(cache, `tensorflow-${parts.join('-')}`)
}

/**
 * Links an addon that was built before, after a clean install has removed its link; the one for a GPU
 * if there are both.
 *
 * @returns whether the addon is in place now.
 */
export function relinkAddon(
  packageFolder = addonPackageFolder(),
  cache: string = addonCache
): boolean {
  if (!packageFolder) return false
  if (isTensorflowAddonBuilt(packageFolder)) return true
  const builds = tensorflowVariants.map(variant => buildFolder(cache, packageFolder, variant))
  const build = builds.findLast(isTensorflowAddonBuilt)
  if (build) linkAddon(build, packageFolder)
  return build !== undefined
}

/** Links the addon of a build folder into the package, in place of what was there. */
export function linkAddon(build: string, packageFolder: string): void {
  mkdirSync(packageFolder, { recursive: true })
  for (const name of linkedFolders) {
    const link = join(packageFolder, name)
    const fresh = join(packageFolder, `.${name}-${process.pid}`)
    rmSync(fresh, { recursive: true, force: true })
    symlinkSync(join(build, name), fresh)
    rmSync(link, { recursive: true, force: true })
    renameSync(fresh, link)
  }
}

/**
 * Loads the package, which registers and chooses the TF.js backend `tensorflow`.
 * Call it only where `isTensorflowAddonBuilt()`: it throws otherwise.
 */
export function loadTensorflowAddon(): typeof import('@tensorflow/tfjs-node-gpu') {
  restoreUtil()
  return createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu')
}

/** Node 23 removed two functions that the package still calls. */
function restoreUtil(): void {
  const old = util as { isNullOrUndefined?: unknown; isArray?: unknown }
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined
  old.isArray ??= Array.isArray
}
