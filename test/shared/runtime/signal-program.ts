// A program for shutdown.test.ts and logging.test.ts. Its argument says how it closes or fails; it
// writes 'ready' once signals are listened to.
import { pbkdf2 } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { onShutdown, runMain } from '#shared/runtime/shutdown.ts'

const behaviour = process.argv[2]
const log = createLogger({ name: 'program', level: 'info' })

const closes: Readonly<Record<string, () => Promise<void>>> = {
  'closes well': async () => log.info('closed'),
  'fails to close': async () => {
    throw new Error('disk full')
  },
  'closes in a second': () => pause(1000),
  'closes never': () => new Promise(() => undefined)
}

await runMain(log, async () => {
  const cause = new Error('connection refused')
  if (behaviour === 'fails as foreseen') {
    throw new RecommenderError('DATABASE_UNAVAILABLE', 'no connection', { cause })
  }
  if (behaviour === 'fails by a bug') throw new TypeError('undefined is not a function')
  if (behaviour === 'fails for want of a file') await readFile('/nowhere/release.json')
  if (behaviour === 'forgets a promise') void Promise.reject(new Error('nobody caught this'))
  if (behaviour === 'logs and exits') {
    log.info({ items: 3 }, 'release published')
    process.exit()
  }
  if (behaviour === 'logs in the middle of work and exits') {
    const work = () => pbkdf2('', '', 300_000, 64, 'sha512', () => undefined)
    for (let thread = 0; thread < 8; thread++) work() // more than the threads that write in the background
    for (const line of [1, 2, 3]) log.info({ line }, 'released')
    process.exit()
  }
  onShutdown(log, closes[behaviour ?? ''] ?? (async () => undefined), 1500)
  process.stdout.write('ready\n')
  setInterval(() => undefined, 1000) // work that would go on for ever
})
