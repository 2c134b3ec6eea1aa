import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import { idsOf } from '#test/support/ids-of.ts'

const readers = 3
const [leastSteps, leastLooks] = [3000, 200]

test('readers in other threads see whole changes, in order, none too late, folds included', {
  timeout: 60_000
}, async () => {
  const writer = new TrieWriter(buildTrie(idsOf(Array.from({ length: 300 }, (_, k) => idOf(k)))))
  const counters = new Int32Array(new SharedArrayBuffer(4 * (2 + readers)))
  const workers = Array.from({ length: readers }, (_, number) => {
    const worker = startWorker(new URL('./trie-worker.ts', import.meta.url), {})
    onTestFinished(() => void worker.terminate())
    const seat = writer.addReader()
    worker.postMessage({ seat, counters, number }, [seat.port])
    return worker
  })
  const reports = Promise.all(workers.map(worker => once(worker, 'message')))
  const looks = () => Math.min(...counters.subarray(2))
  await Promise.race([reports, expect.poll(looks, { timeout: 20_000 }).toBeGreaterThan(0)])

  let step = 300
  const isEnough = () => step >= leastSteps && looks() >= leastLooks
  while (!isEnough() && step < 100 * leastSteps) {
    writer.insert(step, idOf(step))
    writer.remove(step - 300)
    writer.hide(step - 100)
    if (step % 500 === 0) writer.fold()
    Atomics.store(counters, 0, step)
    step++
    if (step % 10 === 0) await setImmediate()
  }
  Atomics.store(counters, 1, 1)

  for (const [{ states, faults }] of await reports) {
    expect(faults).toEqual([])
    expect(states).toBeGreaterThan(10)
  }
  writer.close()
})

/** Different for any 1000 items in a row; neighbours lie far apart. */
function idOf(item: number): number[] {
  const place = (item * 617) % 1000
  return [Math.floor(place / 100), Math.floor(place / 10) % 10, place % 10]
}
