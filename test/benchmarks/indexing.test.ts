import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { recipe, settleRecipe } from '#services/trainer/config.ts'
import type { SchemeResult } from './indexing/measure-scheme.ts'
import { indexAtScale } from './indexing/scale.ts'
import { runWith } from './indexing/scheme-runs.ts'
import { deviation, mean, summarise } from './indexing/summarise.ts'
import { writePage } from './indexing/write-report.ts'
import { figuresOf } from './indexing.ts'

test('the page has a row for each scheme, the paper beside them, and says what was impossible', () => {
  const folder = mkdtempSync(join(tmpdir(), 'indexing-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))

  writePage(join(folder, 'page'), {
    settings: {
      dataset: 'amazon-beauty-2014',
      protocol: 'leave-one-out by user',
      items: 12_101,
      backend: 'native',
      coldShare: 0.02,
      mostQuestions: null,
      recipe: settleRecipe(recipe, { targets: 1000, items: 100, toldApart: 1 })
    },
    starts: [{ command: 'npm run bench -- indexing', date: '2026-11-23' }],
    encoderSeconds: { 'seed-1': 12 },
    results: [
      { scheme: 'residual-kmeans', seed: 1, run: runWith([1, 2, 20, 30]) },
      { scheme: 'residual-kmeans', seed: 2, run: runWith([1, 20, 20, 30]) },
      { scheme: 'collaborative', seed: 1, run: { ...runWith([1, 9, 9, 9]), sameTreeAs: 'random' } },
      { scheme: 'title', seed: 1, impossible: 'no item has a title' }
    ]
  })

  const read = (ending: string) => readFileSync(join(folder, `page.${ending}`), 'utf8')
  const rows = read('md')
    .split('\n')
    .filter(line => line.startsWith('| residual-kmeans '))
  expect(rows[0]).toContain('| .3750 ± .1768 |') // Recall@10 of .5 and .25
  expect(read('md')).toContain('*CID+IID as printed*')
  expect(read('md')).toContain('- title: no item has a title')
  expect(read('md')).toContain('collaborative = random')
  expect(read('md')).toContain('Seeds of residual-kmeans: 1, 2. Seeds of collaborative, title: 1.')
  expect(read('md')).toContain('npm run bench -- indexing # 2026-11-23')
  expect(read('svg')).toContain('residual-kmeans')
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
