// Shows how far a long job is: a bar with time left on a terminal, otherwise (a file, CI, a
// container's log) one plain line per interval and one at the end.
import cliProgress, { type Options, type Params } from 'cli-progress'

/** What is worth seeing beside the count: loss, epoch, events per second. */
export type ProgressFields = Readonly<Record<string, string | number>>

export interface Progress {
  /** `done` of `total` are finished. Cheap: call it as often as there is news. */
  update(done: number, fields?: ProgressFields): void
  /** Shows the last state and lets go of the terminal. Call it once, also when the job failed. */
  finish(fields?: ProgressFields): void
}

export interface ProgressOptions {
  /** The act in a few words: 'training'. */
  readonly title: string
  readonly total: number
  /** Where to write, usually `process.stderr`, so that standard output stays for results. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Time between two plain lines; ten seconds unless told otherwise. */
  readonly intervalMs?: number
  /** Milliseconds of a steady clock. */
  readonly now?: () => number
}

export function createProgress(options: ProgressOptions): Progress {
  return options.stream.isTTY ? createBar(options) : createLines(options)
}

function createBar({
  title,
  total,
  stream,
  now = performance.now.bind(performance)
}: ProgressOptions) {
  const startedAt = now()
  let latest: ProgressFields = {}
  const format = (options: Options, params: Params) => {
    const bar = cliProgress.Format.BarFormat(params.progress, options)
    return `${title} ${bar} ${describe(params.value, total, now() - startedAt, latest)}`
  }
  const bar = new cliProgress.SingleBar({ ...barStyle, stream, format })
  bar.start(total, 0)
  return {
    update(done: number, fields: ProgressFields = latest) {
      latest = fields
      bar.update(done)
    },
    finish(fields: ProgressFields = latest) {
      latest = fields
      bar.stop()
    }
  }
}

const barStyle = {
  barsize: 24,
  barCompleteChar: '█',
  barIncompleteChar: '░',
  barGlue: '',
  forceRedraw: true // the fields change also where the count does not
}

function createLines(options: ProgressOptions): Progress {
  const {
    title,
    total,
    stream,
    intervalMs = 10_000,
    now = performance.now.bind(performance)
  } = options
  const startedAt = now()
  let lastAt = startedAt
  let latest: { done: number; fields: ProgressFields } = { done: 0, fields: {} }
  const write = () => {
    lastAt = now()
    const text = describe(latest.done, total, lastAt - startedAt, latest.fields)
    stream.write(`${title}: ${text}\n`)
  }
  return {
    update(done, fields = latest.fields) {
      latest = { done, fields }
      if (now() - lastAt >= intervalMs) write()
    },
    finish(fields = latest.fields) {
      latest = { ...latest, fields }
      write()
    }
  }
}

/** `12 of 48 (25 %), 36 s left, loss 1.25`; at the end the time it took instead of what is left. */
function describe(done: number, total: number, elapsedMs: number, fields: ProgressFields): string {
  const percent = total > 0 ? Math.floor((100 * done) / total) : 100
  const time =
    done >= total
      ? `took ${duration(elapsedMs)}`
      : done > 0
        ? `${duration((elapsedMs / done) * (total - done))} left`
        : 'starting'
  const rest = Object.entries(fields).map(([name, value]) => `${name} ${value}`)
  return [`${done} of ${total} (${percent} %)`, time, ...rest].join(', ')
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
