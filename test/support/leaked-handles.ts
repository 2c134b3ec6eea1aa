// Fails a test file that leaves sockets, servers, child processes, workers or timers behind: what
// keeps a test alive would keep the program from stopping too. Runs with every test file.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll } from 'vitest'

/** What is closing needs a moment: this many milliseconds at most. */
const graceMs = 2000

const before = count(process.getActiveResourcesInfo())

afterAll(async () => {
  const deadline = performance.now() + graceMs
  while (leaked().length > 0 && performance.now() < deadline) await pause(10)
  if (leaked().length > 0) throw new Error(`this file left open: ${leaked().join(', ')}`)
})

function leaked(): string[] {
  const now = [...count(process.getActiveResourcesInfo())]
  return now
    .filter(([kind, number]) => watched.test(kind) && number > (before.get(kind) ?? 0))
    .map(([kind, number]) => `${kind} (${number - (before.get(kind) ?? 0)})`)
}

/** Not the files being read and the names being looked up: those end by themselves. */
const watched = /^(TCP|Pipe|UDP|TTY|Process|MessagePort|Worker|Timeout|StatWatcher|FSEvent)/

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
