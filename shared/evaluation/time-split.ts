// Splits sessions by time: the newest are for the test, those before them for validation, the rest
// for training. A session belongs where it started, so that no training session reaches into the
// held-out time except by its own later clicks; those are cut off.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Session } from '#shared/sessions/session.ts'

export interface TimeSplit {
  readonly training: readonly Session[]
  readonly validation: readonly Session[]
  readonly test: readonly Session[]
  /** Start of validation and of test, milliseconds since the epoch. */
  readonly validationFrom: number
  readonly testFrom: number
}

export interface HoldOut {
  readonly validationDays: number
  readonly testDays: number
}

const dayMs = 86_400_000

/**
 * The test covers the last `testDays` days, the day of the last click included, counted in whole
 * UTC days when `testDays` is at least one.
 *
 * @throws RecommenderError LOG_TOO_SHORT when a part would be empty.
 */
export function splitByTime(sessions: readonly Session[], holdOut: HoldOut): TimeSplit {
  const last = sessions.reduce((latest, { clicks }) => Math.max(latest, clicks.at(-1)!.at), 0)
  const end = holdOut.testDays >= 1 ? (Math.floor(last / dayMs) + 1) * dayMs : last + 1
  const testFrom = end - holdOut.testDays * dayMs
  const validationFrom = testFrom - holdOut.validationDays * dayMs
  const started = (from: number, to: number) =>
    sessions.filter(({ clicks }) => clicks[0]!.at >= from && clicks[0]!.at < to)
  const split = {
    training: endBefore(started(Number.NEGATIVE_INFINITY, validationFrom), validationFrom),
    validation: endBefore(started(validationFrom, testFrom), testFrom),
    test: started(testFrom, Number.POSITIVE_INFINITY),
    validationFrom,
    testFrom
  }
  refuseEmpty(split, holdOut)
  return split
}

/** Drops the clicks of a session that runs past the cut. */
function endBefore(sessions: readonly Session[], cut: number): Session[] {
  return sessions.map(session =>
    session.clicks.at(-1)!.at < cut
      ? session
      : { ...session, clicks: session.clicks.filter(({ at }) => at < cut) }
  )
}

function refuseEmpty(split: TimeSplit, { validationDays, testDays }: HoldOut): void {
  for (const part of ['training', 'validation', 'test'] as const) {
    if (split[part].some(({ clicks }) => clicks.length > 1)) continue
    throw new RecommenderError(
      'LOG_TOO_SHORT',
      `no ${part} session has two clicks: the log must span more than ${validationDays} validation days ` +
        `and ${testDays} test days; record more, or set VALIDATION_DAYS and TEST_DAYS lower`
    )
  }
}
