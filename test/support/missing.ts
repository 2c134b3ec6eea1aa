import { describe, expect, test } from 'vitest'

/** Stands in for tests whose `part` this machine lacks: a failure with CI=true, elsewhere a skip. */
export function describeMissing(title: string, part: string, reason: string): void {
  if (isCi) test(`${title} (needs ${part})`, () => expect.fail(reason))
  else describe.skip(tell(`${title} (skipped: ${reason})`), () => test(`needs ${part}`, () => {}))
}

/** Ends a test that cannot go on: a failure with CI=true, elsewhere a skip by the test's `skip`. */
export function skipOrFail(skip: (note: string) => void, reason: string): void {
  if (isCi) expect.fail(reason)
  skip(tell(reason))
}

const isCi = process.env.CI === 'true'

function tell(reason: string): string {
  process.stderr.write(`\nSKIPPED: ${reason}\n`)
  return reason
}
