import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { recipe, settleRecipe } from '#services/trainer/config.ts'
import type { TrainedEncoder } from '#services/trainer/train-encoder.ts'
import { type ComparisonSettings, openRecord } from './comparison-record.ts'
import { runWith } from './scheme-runs.ts'

const { scheme: _, ...settled } = settleRecipe(recipe, { targets: 1000, items: 100, toldApart: 1 })
const settings: ComparisonSettings = {
  dataset: 'shop',
  protocol: 'by time',
  items: 100,
  backend: 'native',
  coldShare: 0,
  mostQuestions: null,
  recipe: settled
}
const monday = { command: 'npm run bench -- indexing --schemes random', date: '2026-11-23' }
const tuesday = { command: 'npm run bench -- indexing --schemes title', date: '2026-11-24' }

let page: string
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'record-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  page = join(folder, 'new', 'page.md')
})

test('a second run goes on where the first one was', () => {
  openRecord(page, monday, settings).add({ scheme: 'title', seed: 1, run: runWith([1, 30]) })

  const later = openRecord(page, tuesday, settings)
  later.add({ scheme: 'random', seed: 1, run: runWith([2]) })

  expect(later.has('title', 1)).toBe(true)
  expect(later.has('title', 2)).toBe(false)
  expect(later.read().results.map(({ scheme }) => scheme)).toEqual(['random', 'title'])
  expect(later.read().starts).toEqual([monday, tuesday])
})

test('two runs at once lose nothing of each other', () => {
  const one = openRecord(page, monday, settings)
  const other = openRecord(page, tuesday, settings)

  one.add({ scheme: 'title', seed: 1, run: runWith([1]) })
  other.add({ scheme: 'random', seed: 1, impossible: 'a reason' })

  expect(one.read().results).toHaveLength(2)
  expect(one.read().starts).toHaveLength(2)
})

test('page and plot are there after each scheme', () => {
  openRecord(page, monday, settings).add({ scheme: 'title', seed: 1, run: runWith([1, 30]) })

  expect(readFileSync(page, 'utf8')).toContain('| title | .5000 |')
  expect(readFileSync(page.replace('.md', '.svg'), 'utf8')).toContain('title')
})

test('results under other settings are refused by name', () => {
  openRecord(page, monday, settings)
  const other = { ...settings, recipe: { ...settled, epochs: 3 } }

  expect(() => openRecord(page, tuesday, other)).toThrow(/epochs \d+, now 3.*name another page/)
})

test('an encoder is trained once, and is the same when it is read again', async () => {
  await openRecord(page, monday, settings).encoder('seed-1', async () => encoder)

  const again = await openRecord(page, tuesday, settings).encoder('seed-1', neverTrained)

  expect(again).toEqual(encoder)
})

test('encoders of a comparison whose JSON was removed are forgotten with it', async () => {
  await openRecord(page, monday, settings).encoder('seed-1', async () => encoder)
  rmSync(page.replace('.md', '.json'))

  openRecord(page, tuesday, settings)

  expect(existsSync(page.replace('.md', '.encoders'))).toBe(false)
})

test('without a page everything is kept in memory alone', async () => {
  const record = openRecord(undefined, monday, settings)

  record.add({ scheme: 'title', seed: 1, run: runWith([1]) })
  const trained = await record.encoder('seed-1', async () => encoder)

  expect(record.has('title', 1)).toBe(true)
  expect(trained).toBe(encoder)
})

const encoder = {
  config: { width: 2 },
  weights: { table: { shape: [1, 2], values: Float32Array.of(0.5, 1 / 3) } },
  vectors: Float32Array.of(1, 2, 3, 0.1),
  validation: { recallAt10: 0.1, ndcgAt10: 0.05, score: 0.2 },
  epoch: 3
} as unknown as TrainedEncoder

async function neverTrained(): Promise<TrainedEncoder> {
  throw new Error('it was trained before')
}
