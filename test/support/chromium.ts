// A real Chromium for tests of pages. Where there is none the tests that need it are skipped and say
// so; with CI=true they fail instead.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { describe } from 'vitest'
import { describeMissing } from './missing.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/Applications/Chromium.app/Contents/MacOS',
  '/Applications/Google Chrome.app/Contents/MacOS'
]

/** A suite in a browser; `run` is given a way to start it, and the browser is the caller's to close. */
export function describeWithChromium(
  title: string,
  run: (startChromium: () => Promise<Browser>) => void
): void {
  const executablePath = findChromium()
  if (executablePath) describe(title, () => run(() => chromium.launch({ executablePath })))
  else
    describeMissing(title, 'Chromium', 'no Chromium found: install it, or name one in CHROME_BIN')
}

/** The program of CHROME_BIN when that is set, otherwise the first one found. */
function findChromium(): string | undefined {
  const macNames = ['Chromium', 'Google Chrome']
  const places = folders.flatMap(folder => [...names, ...macNames].map(name => join(folder, name)))
  return process.env.CHROME_BIN || places.find(place => existsSync(place))
}
