// What ingestion did, in one log line per interval; no line when nothing came.
import type { Logger } from '#shared/runtime/logging.ts'

/** Messages by what became of them. */
export interface Counts {
  readonly appended?: number
  readonly duplicates?: number
  readonly items?: number
  readonly removedItems?: number
  readonly rejected?: number
}

export interface Report {
  add(counts: Counts): void
  /** Tells what is left to tell, and stops. */
  stop(): void
}

/** Begins to tell. */
export function startReport(log: Logger, intervalMs = 10_000): Report {
  let sums: Record<string, number> = {}
  const tell = () => {
    if (Object.keys(sums).length > 0) log.info(sums, 'ingested')
    sums = {}
  }
  const timer = setInterval(tell, intervalMs).unref()
  return {
    add(counts) {
      for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
    },
    stop() {
      clearInterval(timer)
      tell()
    }
  }
}
