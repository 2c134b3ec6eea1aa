// Shows how far a fit of item IDs is: a bar for each of its acts.
import { createProgress, type Progress, type ProgressOptions } from '#shared/runtime/progress.ts'
import type { FitProgress } from './scheme.ts'

/** @param title what is fitted, in a few words. */
export function watchFit<T>(
  title: string,
  stream: ProgressOptions['stream'],
  make: (onProgress: FitProgress) => T
): T {
  let act: string | undefined
  let progress: Progress | undefined
  try {
    return make((now, done, total) => {
      if (act !== now) {
        progress?.finish()
        progress = createProgress({ title: `${title}, ${now}`, total, stream })
        act = now
      }
      progress?.update(done)
    })
  } finally {
    progress?.finish()
  }
}
