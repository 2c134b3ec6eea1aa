// `nextrie dead-letters replay`: gives messages that were not accepted another chance, after what was
// wrong is mended (the program was too old, a clock ran ahead).
//
// The rule. Some letters at a time, in one transaction: each is decoded as ingestion would decode it
// today; what is accepted now goes into the log (or the catalogue), and its letter is removed. What is
// refused again stays, with today's reason. So a replay may be repeated, run twice at once, or be
// killed anywhere: an event is appended once, and a letter is there until its event is in the log.
//
// An item is a state, and an old one must not cover a newer one. A state that is replayed is as old as
// its letter, and the catalogue dates it so: of two letters about an item the later one counts, in one
// replay or in two. A letter about an item that the catalogue knows a newer state of is left where it
// is, as outdated. Drop it, or send the item anew. The removal of an item that the catalogue never had
// leaves no trace there: an older letter that is replayed in a later run brings the item back.
import { lockItems, removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import { appendEvents, lockLog } from '#shared/eventlog/append-events.ts'
import {
  changeReason,
  type DeadLetterFilter,
  deleteDeadLetters,
  lockDeadLetters,
  type StoredDeadLetter
} from '#shared/eventlog/dead-letters.ts'
import type { MessageHeaders } from '#shared/events/cloud-event.ts'
import { decodeEvent } from '#shared/events/decode-event.ts'
import { decodeItem, type ItemChange } from '#shared/events/decode-item.ts'
import type { Event } from '#shared/events/event.ts'

/** What a letter is read as. */
export type LetterKind = 'event' | 'item'

export interface ReplayCounts {
  /** Events that are in the log now. */
  appended: number
  /** Accepted, but the log had the event already. */
  duplicates: number
  /** Items that were written or removed. */
  items: number
  /** Refused again: still dead letters. */
  rejected: number
  /** Items that have changed since: still dead letters. */
  outdated: number
  /** From a topic of which nobody said what it holds: still dead letters. */
  unknown: number
}

export interface ReplayOptions {
  readonly pool: Pool
  readonly filter: DeadLetterFilter
  /** Letters at most. */
  readonly limit: number
  /** What the messages of a topic are; `undefined` when that is not known. */
  readonly kindOf: (topic: string) => LetterKind | undefined
  readonly onProgress?: (letters: number) => void
  /** Stops between two transactions. */
  readonly signal?: AbortSignal
}

/** A message may be a megabyte. */
const batchSize = 100

/** Replays the letters that the filter names, oldest first. */
export async function replayDeadLetters(options: ReplayOptions): Promise<Readonly<ReplayCounts>> {
  const { pool, limit, onProgress, signal } = options
  const counts: ReplayCounts = {
    appended: 0,
    duplicates: 0,
    items: 0,
    rejected: 0,
    outdated: 0,
    unknown: 0
  }
  const replayed: ReplayedItems = new Map()
  let after = 0
  for (let done = 0; done < limit; ) {
    signal?.throwIfAborted()
    const page = { ...options.filter, after, limit: Math.min(batchSize, limit - done) }
    const { letters, outcome } = await withTransaction(pool, async connection => {
      await lockLog(connection) // first: whoever erases a visitor locks the log before the letters
      const locked = await lockDeadLetters(connection, page)
      const meanings = locked.map(letter => ({ letter, meaning: decode(letter, options.kindOf) }))
      return { letters: locked, outcome: await replay(connection, meanings, replayed) }
    })
    add(counts, outcome)
    done += letters.length
    onProgress?.(done)
    if (letters.length < page.limit) break
    after = letters.at(-1)!.id
  }
  return counts
}

function add(counts: ReplayCounts, more: Partial<ReplayCounts>): void {
  for (const [name, count] of Object.entries(more)) counts[name as keyof ReplayCounts] += count
}

/** Items that this replay has written, and the time of the letter that said so. */
type ReplayedItems = Map<string, Date>

async function replay(
  connection: Connection,
  decoded: readonly { readonly letter: StoredDeadLetter; readonly meaning: Meaning }[],
  replayed: ReplayedItems
): Promise<Partial<ReplayCounts>> {
  const events = decoded.filter(each => 'event' in each.meaning)
  const changes = decoded.filter(each => 'change' in each.meaning)
  const refused = decoded.filter(each => 'rejected' in each.meaning)

  for (const { letter, meaning } of refused) {
    const reason = (meaning as { rejected: string }).rejected
    if (reason !== letter.reason) await changeReason(connection, { id: letter.id, reason })
  }
  const written: StoredDeadLetter[] = []
  if (changes.length > 0) await lockItems(connection) // what others have begun to write counts, too
  for (const { letter, meaning } of changes) {
    const { change } = meaning as { change: ItemChange }
    if (await changeItem(connection, { change, receivedAt: letter.receivedAt }, replayed)) {
      written.push(letter)
    }
  }
  const outcome = await appendEvents(
    connection,
    events.map(({ meaning }) => (meaning as { event: Event }).event)
  )
  const ids = [...written, ...events.map(({ letter }) => letter)].map(({ id }) => id)
  if (ids.length > 0) await deleteDeadLetters(connection, { ids })
  return {
    ...outcome,
    items: written.length,
    outdated: changes.length - written.length,
    rejected: refused.length,
    unknown: decoded.length - events.length - changes.length - refused.length
  }
}

type Meaning = { event: Event } | { change: ItemChange } | { rejected: string } | { unknown: true }

function decode(letter: StoredDeadLetter, kindOf: ReplayOptions['kindOf']): Meaning {
  const kind = kindOf(letter.topic)
  if (kind === undefined) return { unknown: true }
  const headers = asReceived(letter.headers)
  if (kind === 'event') return decodeEvent(letter.payload, headers)
  const decoded = decodeItem({ key: letter.key, value: letter.payload, headers })
  return 'rejected' in decoded ? decoded : { change: decoded }
}

/** A header without a value stands alone, as clients give it. */
function asReceived(headers: StoredDeadLetter['headers']): MessageHeaders {
  const entries = Object.entries(headers).map(([name, values]) => [
    name,
    values.every(value => value === null) ? null : values.map(value => value ?? Buffer.alloc(0))
  ])
  return Object.fromEntries(entries)
}

/** @returns false when the catalogue has a newer state of the item. */
async function changeItem(
  connection: Connection,
  { change, receivedAt }: { readonly change: ItemChange; readonly receivedAt: Date },
  replayed: ReplayedItems
): Promise<boolean> {
  const key = 'item' in change ? change.item.key : change.removedKey
  if (await hasChangedSince(connection, { key, receivedAt }, replayed.get(key))) return false
  if ('item' in change) await upsertItems(connection, [change.item])
  else await removeItems(connection, [key])
  await dateItem(connection, { key, receivedAt })
  replayed.set(key, receivedAt)
  return true
}

interface ItemDate {
  readonly key: string
  readonly receivedAt: Date
}

/**
 * Both times are Postgres's. At the very same time the order is not known, and the catalogue stands;
 * unless its state is what this replay wrote of an earlier letter, dated `replayedAt`.
 */
async function hasChangedSince(
  connection: Connection,
  { key, receivedAt }: ItemDate,
  replayedAt: Date | undefined
): Promise<boolean> {
  const { rows } = await connection.query<{ has: boolean }>(
    `select exists (select from items
                    where item_key = $1 and date_trunc('milliseconds', updated_at) >= $2
                      and updated_at is distinct from $3) as has`,
    [key, receivedAt.toISOString(), replayedAt?.toISOString() ?? null]
  )
  return rows[0]!.has
}

async function dateItem(connection: Connection, { key, receivedAt }: ItemDate): Promise<void> {
  await connection.query('update items set updated_at = $2 where item_key = $1', [
    key,
    receivedAt.toISOString()
  ])
}
