// Where TensorFlow's native addon has to lie for @tensorflow/tfjs-node-gpu, and whether it is there.
// The package's own install script fetches a library that its vendor no longer serves, so the addon
// is built by setup-tensorflow.ts into a cache and linked into the package (`npm ci` wipes the latter).
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import util from 'node:util'

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

/** Links the addon of a build folder into the package, in place of what was there. */
export function linkAddon(build: string, packageFolder: string): void {
  mkdirSync(packageFolder, { recursive: true })
  for (const name of linkedFolders) {
    const link = join(packageFolder, name)
    const fresh = join(packageFolder, `.${basename(build)}-${name}`)
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
