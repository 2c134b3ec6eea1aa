// Reads a data set folder for measuring quality, and splits it by the protocol that its columns
// call for: `split` is the literature's own, `rel_seconds` means leave-one-out by user, `date` means
// by time; without any of them, leave-one-out.
import { join } from 'node:path'
import type { Row } from '#services/nextrie/dataset-messages.ts'
import { interactionsFile, readEventLines, readItemLines } from '#services/nextrie/read-dataset.ts'
import type { Asked } from '#services/trainer/training-set.ts'
import type { Item } from '#shared/catalog/item.ts'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import { checkItem } from '#shared/events/decode-item.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Session } from '#shared/sessions/session.ts'

export interface SplitDataset {
  readonly items: readonly Item[]
  readonly training: readonly Session[]
  readonly validation: readonly Session[]
  readonly test: readonly Session[]
  readonly asked: Asked
  readonly protocol: string
  /** Clicks that have the time of another click of their user; undefined where no time is given. */
  readonly tiedClicks?: number | undefined
}

/**
 * @param shuffleTies permutes clicks of one user that have the same time, by this seed.
 * @throws DATASET_INVALID with the line and the field that are wrong.
 */
export async function readSplitDataset(
  folder: string,
  shuffleTies?: number
): Promise<SplitDataset> {
  const items: Item[] = []
  for await (const line of readItemLines(folder)) {
    const checked = 'message' in line ? checkItem(line.message) : line
    if ('rejected' in checked) throw invalid(`item of line ${line.line}: ${checked.rejected}`)
    items.push(checked.item)
  }
  const { sessions, parts, columns, unknown } = await readSessions(
    folder,
    new Set(items.map(({ key }) => key))
  )
  const users = shuffleTies === undefined ? sessions : permuteTies(sessions, shuffleTies)
  const split = columns.has('split')
    ? givenSplit(users, parts)
    : columns.has('rel_seconds') || !columns.has('date')
      ? leaveOneOut(users)
      : byTime(users, folder)
  const leftOut = unknown > 0 ? `, ${unknown} clicks on items without a line left out` : ''
  const hasTime = columns.has('rel_seconds') || columns.has('date')
  return {
    items,
    ...split,
    protocol: split.protocol + leftOut,
    tiedClicks: hasTime ? countTies(sessions) : undefined
  }
}

type Part = 'train' | 'valid' | 'test'
type Split = Omit<SplitDataset, 'items' | 'tiedClicks'>

/** Names that data sets give to the parts of their `split`. */
const partNames: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  val: 'valid',
  valid: 'valid',
  validation: 'valid',
  test: 'test'
}

interface ReadSessions {
  readonly sessions: readonly Session[]
  /** By session, where there is a column `split`. */
  readonly parts: ReadonlyMap<string, Part>
  readonly columns: ReadonlySet<string>
  /** Clicks on items that the catalogue does not name: nobody can recommend these. */
  readonly unknown: number
}

async function readSessions(folder: string, keys: ReadonlySet<string>): Promise<ReadSessions> {
  const clicks = new Map<string, Session['clicks'][number][]>()
  const parts = new Map<string, Part>()
  let columns: ReadonlySet<string> = new Set()
  let unknown = 0
  for await (const { line, row, ...meaning } of readEventLines(folder)) {
    const fault = 'rejected' in meaning ? meaning.rejected : faultOf(row, parts)
    if (fault) throw invalid(`${join(folder, interactionsFile)}, line ${line}: ${fault}`)
    if (columns.size === 0) columns = new Set(Object.keys(row))
    const id = row.user_or_session!
    if (row.split !== undefined) parts.set(id, partNames[row.split]!)
    const known = clicks.get(id) ?? []
    clicks.set(id, known)
    if (keys.has(row.item!)) known.push({ itemKey: row.item!, type: 'click', at: timeOf(row) })
    else unknown++
  }
  const all = [...clicks].map(([sessionId, of]) => ({ sessionId, clicks: of }))
  return { sessions: all.filter(session => session.clicks.length > 0), parts, columns, unknown }
}

/** What is wrong with a row, beyond what an import would say. */
function faultOf(row: Row, parts: ReadonlyMap<string, Part>): string | undefined {
  const empty = ['user_or_session', 'item'].find(column => !row[column])
  if (empty) return `${empty} is missing: the file needs this column, filled in every row`
  if (Number.isNaN(timeOf(row))) return `rel_seconds is "${row.rel_seconds}": it must be a number`
  if (row.split === undefined) return undefined
  const part = partNames[row.split]
  const names = Object.keys(partNames).join(', ')
  if (!part) return `split is "${row.split}": it must be one of ${names}`
  const known = parts.get(row.user_or_session!) ?? part
  if (part === known) return undefined
  return `split is "${row.split}", but session ${row.user_or_session} began as ${known}: a session is in one part`
}

function timeOf({ date, rel_seconds, timestamp_or_position }: Row): number {
  if (rel_seconds !== undefined) return Number(rel_seconds) * 1000
  const start = date === undefined ? 0 : Date.parse(`${date}T00:00:00Z`)
  return start + Number(timestamp_or_position) * 1000
}

/** Permutes clicks of equal times inside a user: same-day reviews are stored in the order of keys. */
function permuteTies(users: readonly Session[], seed: number): Session[] {
  const random = createRandom(seed)
  return users.map(({ sessionId, clicks }) => ({
    sessionId,
    clicks: [...byMoment(clicks).values()].flatMap(tied => random.shuffle(tied))
  }))
}

function countTies(users: readonly Session[]): number {
  const ties = users.flatMap(({ clicks }) => [...byMoment(clicks).values()])
  return ties.reduce((sum, { length }) => sum + (length > 1 ? length : 0), 0)
}

function byMoment(clicks: Session['clicks']): Map<number, Session['clicks'][number][]> {
  const moments = new Map<number, Session['clicks'][number][]>()
  for (const click of clicks) {
    const tied = moments.get(click.at)
    if (tied) tied.push(click)
    else moments.set(click.at, [click])
  }
  return moments
}

/** Last click: test; the one before: validation; the rest: training. */
function leaveOneOut(users: readonly Session[]): Split {
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

/**
 * The parts as given; without one for validation, the last tenth of training. Every click of a test
 * session is asked for.
 */
function givenSplit(sessions: readonly Session[], parts: ReadonlyMap<string, Part>): Split {
  const of = (part: Part) => sessions.filter(({ sessionId }) => parts.get(sessionId) === part)
  const [all, given, test] = [of('train'), of('valid'), of('test')]
  const missing = all.length === 0 ? 'train' : 'test'
  if (all.length * test.length === 0) {
    throw invalid(`column split: no session is "${missing}"; name both train and test`)
  }
  const cut = given.length > 0 ? all.length : Math.floor(all.length * 0.9)
  return {
    training: all.slice(0, cut),
    validation: given.length > 0 ? given : all.slice(cut),
    test,
    asked: 'every-click',
    protocol: `the given split${given.length > 0 ? ', validation too' : ''}, every click`
  }
}

const dayMs = 86_400_000

/** Two weeks for the test and two for validation, of a short log a fifth of its days each. */
function byTime(sessions: readonly Session[], folder: string): Split {
  const [from, to] = sessions.reduce(
    ([first, last], { clicks }) => [
      Math.min(first, clicks[0]!.at),
      Math.max(last, clicks.at(-1)!.at)
    ],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  )
  const days = Math.min(14, Math.max(1, Math.floor((to - from) / dayMs / 5)))
  try {
    const split = splitByTime(sessions, { validationDays: days, testDays: days })
    const testFrom = new Date(split.testFrom).toISOString().slice(0, 10)
    return { ...split, asked: 'every-click', protocol: `by time, test from ${testFrom}` }
  } catch (cause) {
    throw invalid(
      `${join(folder, interactionsFile)}: column date leaves no sessions of two clicks for training, ` +
        `or for ${days} days of validation, or for ${days} of test; add a column split (train, ` +
        'valid, test), or leave date away for leave-one-out',
      cause
    )
  }
}

function invalid(message: string, cause?: unknown): RecommenderError {
  return new RecommenderError('DATASET_INVALID', message, { cause })
}
