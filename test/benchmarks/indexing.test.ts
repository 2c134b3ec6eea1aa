import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { SchemeResult, SchemeRun } from './indexing/compare-schemes.ts'
import { indexAtScale } from './indexing/scale.ts'
import { deviation, mean, summarise } from './indexing/summarise.ts'
import { writeReport } from './indexing/write-report.ts'
import { figuresOf } from './indexing.ts'
import { byFrequency, placeMetrics } from './quality/place-metrics.ts'

test('the page has a row for each scheme, the paper beside them, and says what was impossible', () => {
  const folder = mkdtempSync(join(tmpdir(), 'indexing-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))

  writeReport(join(folder, 'new', 'page.md'), {
    protocol: 'leave-one-out by user',
    items: 12_101,
    questions: 4,
    backend: 'native',
    epochs: 3,
    encoderSeconds: 12,
    results: [
      { scheme: 'residual-kmeans', seed: 1, run: runWith([1, 2, 20, 30]) },
      { scheme: 'residual-kmeans', seed: 2, run: runWith([1, 20, 20, 30]) },
      { scheme: 'collaborative', seed: 1, run: { ...runWith([1, 9, 9, 9]), sameTreeAs: 'random' } },
      { scheme: 'title', seed: 1, impossible: 'no item has a title' }
    ],
    dataset: 'amazon-beauty-2014',
    command: 'npm run bench -- indexing',
    date: '2026-11-23',
    paper: { recall: 0.0732, ndcg: 0.0427 }
  })

  const read = (ending: string) => readFileSync(join(folder, 'new', `page.${ending}`), 'utf8')
  const rows = read('md')
    .split('\n')
    .filter(line => line.startsWith('| residual-kmeans '))
  expect(rows[0]).toContain('| .3750 ± .1768 |') // Recall@10 of .5 and .25
  expect(read('md')).toContain('*CID+IID as printed*')
  expect(read('md')).toContain('- title: no item has a title')
  expect(read('md')).toContain('collaborative = random')
  expect(read('svg')).toContain('residual-kmeans')
  expect(JSON.parse(read('json')).results).toHaveLength(4)
})

test('schemes that could not run are left out, and the runs of a scheme stand together', () => {
  const results: SchemeResult[] = [
    { scheme: 'random', seed: 1, run: runWith([1]) },
    { scheme: 'title', seed: 1, impossible: 'no titles' },
    { scheme: 'random', seed: 2, run: runWith([2]) }
  ]

  expect(summarise(results).map(({ scheme, runs }) => [scheme, runs.length])).toEqual([
    ['random', 2]
  ])
})

test('the default scheme, generating alone, is held against the paper', () => {
  const figures = figuresOf('amazon-beauty-2014', [
    { scheme: 'residual-kmeans', seed: 1, run: runWith([1, 20]) },
    { scheme: 'residual-kmeans', seed: 2, run: runWith([1, 2]) }
  ])

  const figure = (name: string) => figures.find(each => each.name === `residual-kmeans, ${name}`)
  expect(figure('generator Recall@10')).toMatchObject({
    value: 0.75,
    wanted: { of: 'value', atLeast: 0.0732 }
  })
  expect(figure('generator NDCG@10')).toMatchObject({ wanted: { atLeast: 0.0427 } })
  expect(figure('cold Recall@10 of 7 targets')).toMatchObject({ value: 0.1 })
})

test('mean and deviation of a sample', () => {
  expect(mean([1, 2, 6])).toBe(3)
  expect(deviation([1, 3])).toBeCloseTo(Math.SQRT2)
  expect(deviation([4])).toBe(0)
})

test('a made-up catalogue is indexed, and new items are placed', () => {
  const figures = indexAtScale(300, ['residual-kmeans', 'semantic'])

  expect(figures.map(({ name }) => name)).toContain('semantic, 300 items, depth')
  expect(figures.every(({ value }) => Number.isFinite(value))).toBe(true)
})

function runWith(places: number[]): SchemeRun {
  const quality = {
    all: placeMetrics(places),
    byFrequency: byFrequency(
      places,
      places.map(() => 3)
    )
  }
  return {
    generator: quality,
    final: quality,
    tokens: 3,
    depth: 3,
    vocabulary: 80,
    duplicates: 0,
    assignSeconds: 1,
    trainSeconds: 2,
    beamCalls: 54,
    exactCalls: 20,
    placeMicroseconds: 90,
    cold: { items: 5, targets: 7, recallAt10: 0.1, firstOfCold: 0.2 }
  }
}
