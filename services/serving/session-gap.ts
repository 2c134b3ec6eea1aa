// Holds serving to the pause by which a release's sessions were cut. Cut by another one, live sessions
// would have a form that the model never met, and nobody would notice but for worse answers.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseManifest } from '#shared/releases/manifest.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

/**
 * @param folder of the release; what else is wrong with it is told by whoever loads it.
 * @throws CONFIG_INVALID when the release says another gap; one that says none is let pass.
 */
export async function requireSameGap(folder: string, gapMinutes: number): Promise<void> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return
  const { releaseId, config } = parseManifest(text)
  const { settings } = config
  if (typeof settings !== 'object' || settings === null) return
  if (!('sessionGapMinutes' in settings) || settings.sessionGapMinutes === gapMinutes) return
  throw new RecommenderError(
    'CONFIG_INVALID',
    `release ${releaseId} was trained on sessions cut at ${settings.sessionGapMinutes} minutes, and ` +
      `this program cuts them at ${gapMinutes}: set SESSION_GAP_MINUTES to the same, or train anew`
  )
}
