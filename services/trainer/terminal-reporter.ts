// Shows one long job after another, each with its own bar or lines.
import { createProgress, type Progress } from '#shared/runtime/progress.ts'
import type { Reporter } from './train-encoder.ts'

export function terminalReporter(stream: NodeJS.WriteStream): Reporter {
  let open: Progress | undefined
  return {
    start: (title, total) => {
      open = createProgress({ title, total, stream })
    },
    update: (done, fields) => open?.update(done, fields),
    finish: fields => open?.finish(fields)
  }
}
