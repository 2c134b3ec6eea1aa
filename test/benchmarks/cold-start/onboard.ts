// Onboards items by PUT at one serving process, and times when another one recommends them.
import { setTimeout as pause } from 'node:timers/promises'
import type { Item } from '#shared/catalog/item.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import type { Figure } from '../report.ts'
import { type Answer, request } from './ask.ts'
import type { Nearest } from './nearest-items.ts'

/** What the other process may take to recommend an item, from the PUT on. */
const wantedMs = 2000
/** An item that is not recommended by then is counted as missed. */
const patienceMs = 10_000

export interface Times {
  readonly put: number[]
  /** From the PUT to the first answer of the other process with the item in it. */
  readonly first: number[]
  readonly missed: number
}

/** PUTs all items; of some it waits until the other process recommends them to a session of like items. */
export async function onboard(
  [told, asked]: readonly [string, string],
  items: readonly Item[],
  { nearest, timed }: { readonly nearest: Nearest; readonly timed: number }
): Promise<Times> {
  const times = { put: [] as number[], first: [] as number[], missed: 0 }
  const cold = new Set(items.map(({ key }) => key))
  const title = 'onboarding'
  const progress = createProgress({ title, total: items.length, stream: process.stderr })
  for (const [i, { key, attributes }] of items.entries()) {
    const session = nearest(key, 3, other => !cold.has(other))
    const startedAt = performance.now()
    await request(`${told}/v1/items/${encodeURIComponent(key)}`, 'PUT', { attributes })
    times.put.push(performance.now() - startedAt)
    if (i < timed) {
      const isThere = async () => {
        const question = { items: session, n: 100 }
        const answer = await request(`${asked}/v1/recommendations`, 'POST', question)
        return (answer as Answer).items.some(({ item }) => item === key)
      }
      if (await untilTrue(isThere)) times.first.push(performance.now() - startedAt)
      else times.missed++
    }
    progress.update(i + 1)
  }
  progress.finish()
  return times
}

async function untilTrue(isThere: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    if (await isThere()) return true
    await pause(5)
  }
  return false
}

export function timeFigures({ put, first, missed }: Times): Figure[] {
  const at = (times: readonly number[], share: number) =>
    times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))] ??
    Number.NaN
  const bounded = { of: 'value', atMost: wantedMs } as const
  return [
    { name: 'PUT, p50', value: at(put, 0.5), unit: 'ms' },
    { name: 'PUT, p95', value: at(put, 0.95), unit: 'ms' },
    {
      name: 'from PUT to the other process, p50',
      value: at(first, 0.5),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'from PUT to the other process, p95',
      value: at(first, 0.95),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'from PUT to the other process, max',
      value: at(first, 1),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'of the timed items, not recommended to a session of like items',
      value: missed,
      unit: 'items'
    }
  ]
}
