// Reads a data set folder for measuring quality, and splits it by the protocol that its columns
// call for: `split` is the literature's own, `rel_seconds` means leave-one-out by user, `date` means
// by time.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readItemLines } from '#services/nextrie/read-dataset.ts'
import type { Asked } from '#services/trainer/training-set.ts'
import type { Item } from '#shared/catalog/item.ts'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import { checkItem } from '#shared/events/decode-item.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Session } from '#shared/sessions/session.ts'

export interface SplitDataset {
  readonly items: readonly Item[]
  readonly training: readonly Session[]
  readonly validation: readonly Session[]
  readonly test: readonly Session[]
  readonly asked: Asked
  readonly protocol: string
}

/** @param shuffleTies permutes clicks of one user that have the same time, by this seed. */
export async function readSplitDataset(
  folder: string,
  shuffleTies?: number
): Promise<SplitDataset> {
  const items: Item[] = []
  for await (const line of readItemLines(folder)) {
    const checked = 'message' in line ? checkItem(line.message) : line
    if ('rejected' in checked) throw new Error(`item of line ${line.line}: ${checked.rejected}`)
    items.push(checked.item)
  }
  const { columns, rows } = readRows(folder)
  if (columns.includes('split')) return { items, ...givenSplit(sessionsOf(rows), rows) }
  if (columns.includes('rel_seconds')) {
    const users = sessionsOf(rows)
    return {
      items,
      ...leaveOneOut(shuffleTies === undefined ? users : permuteTies(users, shuffleTies))
    }
  }
  return { items, ...byTime(sessionsOf(rows)) }
}

type Row = Readonly<Record<string, string>>

function readRows(folder: string): { readonly columns: readonly string[]; readonly rows: Row[] } {
  const text = gunzipSync(readFileSync(join(folder, 'interactions.csv.gz'))).toString('utf8')
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const columns = header.split(',')
  const rows = lines.map(line => {
    const fields = line.split(',')
    return Object.fromEntries(columns.map((column, i) => [column, fields[i] ?? '']))
  })
  return { columns, rows }
}

const dayMs = 86_400_000

function timeOf({ date, rel_seconds, timestamp_or_position }: Row): number {
  if (rel_seconds !== undefined) return Number(rel_seconds) * 1000
  const start = date === undefined ? 0 : Date.parse(`${date}T00:00:00Z`)
  return start + Number(timestamp_or_position) * 1000
}

function sessionsOf(rows: readonly Row[]): Session[] {
  const clicks = new Map<string, Session['clicks'][number][]>()
  for (const row of rows) {
    const id = row.user_or_session!
    const click = { itemKey: row.item!, type: 'click' as const, at: timeOf(row) }
    const known = clicks.get(id)
    if (known) known.push(click)
    else clicks.set(id, [click])
  }
  return [...clicks].map(([sessionId, all]) => ({ sessionId, clicks: all }))
}

/** Permutes each run of equal times inside a user: same-day reviews are stored in the order of keys. */
function permuteTies(users: readonly Session[], seed: number): Session[] {
  const random = createRandom(seed)
  return users.map(({ sessionId, clicks }) => {
    const days = new Map<number, Session['clicks'][number][]>()
    for (const click of clicks) days.set(click.at, [...(days.get(click.at) ?? []), click])
    return { sessionId, clicks: [...days.values()].flatMap(day => random.shuffle(day)) }
  })
}

/** Last click: test; the one before: validation; the rest: training. */
function leaveOneOut(users: readonly Session[]): Omit<SplitDataset, 'items'> {
  const upTo = (end: number) =>
    users.map(user => ({ ...user, clicks: user.clicks.slice(0, user.clicks.length + end) }))
  return {
    training: upTo(-2),
    validation: upTo(-1),
    test: users,
    asked: 'last-click',
    protocol: 'leave-one-out by user'
  }
}

/** Training as given, its last tenth for validation; every click of a test session is asked for. */
function givenSplit(
  sessions: readonly Session[],
  rows: readonly Row[]
): Omit<SplitDataset, 'items'> {
  const part = new Map(rows.map(row => [row.user_or_session!, row.split]))
  const all = sessions.filter(({ sessionId }) => part.get(sessionId) === 'train')
  const cut = Math.floor(all.length * 0.9)
  return {
    training: all.slice(0, cut),
    validation: all.slice(cut),
    test: sessions.filter(({ sessionId }) => part.get(sessionId) === 'test'),
    asked: 'every-click',
    protocol: 'the given split, every click'
  }
}

function byTime(sessions: readonly Session[]): Omit<SplitDataset, 'items'> {
  const days = 14
  const { training, validation, test } = splitByTime(sessions, {
    validationDays: days,
    testDays: days
  })
  const from = new Date(Math.floor(test[0]!.clicks[0]!.at / dayMs) * dayMs)
    .toISOString()
    .slice(0, 10)
  return {
    training,
    validation,
    test,
    asked: 'every-click',
    protocol: `by time, test from ${from}`
  }
}
