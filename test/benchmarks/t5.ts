// A request of ours beside one of the papers' own stack: T5-small of Hugging Face, 20 beams, a trie of IDs
//
// --items 1e4 --requests 10 --threads 1. Needs python3 and, the first time, about a gigabyte from PyPI,
// which goes to a cache folder of its own. Both answer ten items for a session of five clicks from the
// same item IDs, with random weights, on the same number of threads. Quality is no part of it.
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRandom } from '#shared/runtime/random.ts'
import { preparePython, runProgram } from './python-environment.ts'
import type { BenchOptions, Figure } from './report.ts'
import { bareTimes, loadBare } from './serving/bare.ts'
import { syntheticCodes, writeSyntheticRelease } from './serving/synthetic-release.ts'

const beams = 20

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const items = Number(options.items ?? 1e4)
  const requests = Number(options.requests ?? 10)
  const threads = Number(options.threads ?? 1)
  const python = await preparePython()
  if ('missing' in python) {
    process.stdout.write(`SKIPPED: T5 cannot be timed here: ${python.missing}\n`)
    return []
  }
  const ours = await ourTime(items)
  const theirs = await theirTime(python.path, { items, requests, threads })
  return [
    { name: 'load of the machine', value: loadavg()[0]!, unit: 'processes' },
    { name: `T5-small, ${beams} beams, ${items} items`, value: theirs, unit: 'ms' },
    { name: `ours, beam of ${beams}, one thread`, value: ours, unit: 'ms' },
    {
      name: 'times faster',
      value: theirs,
      unit: 'ms',
      reference: ours,
      wanted: { of: 'ratio', atLeast: 100 }
    }
  ]
}

async function ourTime(items: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-t5-'))
  try {
    const { location } = await writeSyntheticRelease(folder, items)
    const random = createRandom(9)
    const questions = Array.from({ length: 100 }, () => ({
      clicks: Array.from(
        { length: 5 },
        () => ({ itemKey: `i${random.integer(items)}`, type: 'click', at: 0 }) as const
      ),
      count: 10,
      exclude: []
    }))
    const model = await loadBare(location)
    return (await bareTimes(model, { search: 'beam', width: beams }, questions)).whole
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Milliseconds a request, the median. */
async function theirTime(
  python: string,
  {
    items,
    ...task
  }: { readonly items: number; readonly requests: number; readonly threads: number }
): Promise<number> {
  const { codes, depth } = syntheticCodes(items)
  const ids = Array.from({ length: items }, (_, i) =>
    Array.from(codes.subarray(i * depth, (i + 1) * depth))
  )
  const script = fileURLToPath(new URL('./t5/time_t5.py', import.meta.url))
  const answer = await runProgram(python, [script], JSON.stringify({ ids, beams, ...task }))
  const { milliseconds } = JSON.parse(answer) as { milliseconds: number[] }
  milliseconds.sort((a, b) => a - b)
  return milliseconds[Math.floor(milliseconds.length / 2)]!
}
