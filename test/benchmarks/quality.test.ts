import { expect, test } from 'vitest'
import { recipe } from '#services/trainer/config.ts'
import { buildTrainingSet, type TrainingSet } from '#services/trainer/training-set.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { neighbourScores } from '#shared/recommendations/neighbours.ts'
import type { Session } from '#shared/sessions/session.ts'
import { baselinePlaces, placesOf } from './quality/baselines.ts'
import { wilsonInterval } from './quality/place-metrics.ts'
import { methodFigures, type Run, tiesFigure } from './quality.ts'

test('items of equal score share their places', () => {
  const set = { itemKeys: ['a', 'b', 'c', 'd'], repeats: true }
  const places = (target: number, scores: readonly number[]) =>
    placesOf(set, [{ clicked: Int32Array.of(0), target }], () => Float64Array.from(scores))

  expect(places(3, [5, 2, 2, 2])).toEqual([3]) // the middle of places 2 to 4
  expect(places(1, [5, 2, 2, 1])).toEqual([2.5])
  expect(places(0, [5, 2, 2, 2])).toEqual([1])
})

test('what scores a part of the catalogue is refused', () => {
  const set = { itemKeys: ['a', 'b', 'c'], repeats: true }
  const prompts = [{ clicked: Int32Array.of(0), target: 1 }]

  expect(() => placesOf(set, prompts, () => new Float64Array(2))).toThrow(/2 of 3 items/)
})

test('popularity counts training clicks, and places all others behind in one tie', () => {
  const set = trainingSet(['ab', 'ab', 'ac'], ['ab'], ['ba', 'bd', 'be'])

  // Of a 3, b 2, c 1 and d, e, f none, b is in the history.
  expect(baselinePlaces(set).get('popularity')?.places).toEqual([1, 4, 4])
})

test('neighbours place what they never saw together behind in one tie', () => {
  const set = trainingSet(['ab', 'ab', 'ac'], ['ab'], ['ab', 'ac', 'ad'])

  for (const method of ['KNN, degree norm', 'KNN, shrunk norm']) {
    expect(baselinePlaces(set).get(method)?.places).toEqual([1, 2, 4])
  }
})

test('clicked items are left out where nobody comes back, and ranked where visitors do', () => {
  const once = trainingSet(['ab', 'ab', 'ac'], ['ab'], ['aba'])
  const again = trainingSet(['aba', 'aba', 'ac'], ['ab'], ['aba'])

  expect([once.repeats, again.repeats]).toEqual([false, true])
  expect(baselinePlaces(once).get('popularity')?.places.at(-1)).toBe(Number.POSITIVE_INFINITY)
  expect(baselinePlaces(again).get('popularity')?.places.at(-1)).toBe(1)
})

test('both norms of the neighbours, by hand', () => {
  const sessions = [
    [0, 1],
    [0, 1],
    [0, 2]
  ].map(items => Int32Array.from(items))
  const scores = (options: Parameters<typeof fitCoVisitation>[3], clicked: number) =>
    neighbourScores(fitCoVisitation(sessions, 3, 'all', options), Int32Array.of(clicked), 1)

  // Forward 0 leads to 1 twice and to 2 once; backward each counts .6, so that 1.8 lead to 0.
  const degree = { norm: 'degree', back: 0.6 } as const
  expect(scores(degree, 0).get(1)).toBeCloseTo(2 / Math.sqrt(3 * 2), 6)
  expect(scores(degree, 0).get(2)).toBeCloseTo(1 / Math.sqrt(3 * 1), 6)
  expect(scores(degree, 1).get(0)).toBeCloseTo(1.2 / Math.sqrt(1.2 * 1.8), 6)
  // Clicks 3, 2 and 1, a hundred added to each; backward counts .3.
  expect(scores({}, 0).get(1)).toBeCloseTo(2 / Math.sqrt(103 * 102), 6)
  expect(scores({}, 2).get(0)).toBeCloseTo(0.3 / Math.sqrt(101 * 103), 6)
})

test('cold targets count in the whole and apart, and a bucket without targets is left out', () => {
  const figures = figuresOf([
    { places: [1, 2, Number.POSITIVE_INFINITY, 9.5], clicks: [5, 30, 0, 0] }
  ])

  expect(figures['Recall@10']).toBe(0.75)
  expect(figures['Recall@10 of 2 targets with training clicks cold']).toBe(0.5)
  expect(figures['Recall@10 of 1 targets with training clicks >20']).toBe(1)
  expect(Object.keys(figures).filter(name => name.includes('6-20'))).toEqual([])
})

test('the deviation is of a sample, and one run has none', () => {
  const run = (...places: number[]) => ({ places, clicks: places.map(() => 3) })

  expect(figuresOf([run(1, 1), run(1, 11)])['Recall@10 deviation over seeds']).toBeCloseTo(
    Math.SQRT1_2 / 2
  )
  expect(Object.keys(figuresOf([run(1, 1)])).join()).not.toContain('deviation')
})

test("Wilson's interval stays between nothing and all", () => {
  const [low, high] = wilsonInterval(0.1, 100)
  expect(low).toBeCloseTo(0.0552, 4)
  expect(high).toBeCloseTo(0.1744, 4)
  expect(wilsonInterval(0, 138)[0]).toBe(0)
  expect(wilsonInterval(1, 138)[1]).toBe(1)

  const figures = figuresOf([{ places: [1, ...Array(99).fill(50)], clicks: Array(100).fill(2) }])
  const bucket = 'Recall@10 of 100 targets with training clicks 1-5'
  expect(figures[`${bucket}, 95 % from`]).toBeCloseTo(0.0018, 4)
  expect(figures[`${bucket}, 95 % to`]).toBeCloseTo(0.0545, 4)
})

test('a report says whether there was anything to shuffle', () => {
  expect(tiesFigure({ tiedClicks: 7 })).toMatchObject({ value: 7 })
  expect(tiesFigure({ tiedClicks: 0 }).name).toContain('nothing to shuffle')
  expect(tiesFigure({ tiedClicks: undefined }).name).toContain('gives no times')
})

/** Items are letters, a to f; a session is a word. */
function trainingSet(training: string[], validation: string[], test: string[]): TrainingSet {
  const sessions = (words: string[]): Session[] =>
    words.map((word, s) => ({
      sessionId: `${s}`,
      clicks: [...word].map((itemKey, i) => ({ itemKey, type: 'click', at: i * 1000 }))
    }))
  const parts = {
    training: sessions(training),
    validation: sessions(validation),
    test: sessions(test)
  }
  const items = [...'abcdef'].map(key => ({ key, attributes: {}, isVisible: true }))
  return buildTrainingSet(items, parts, recipe, 'last-click')
}

/** Figures of one method by what they measure. */
function figuresOf(runs: readonly Run[]): Record<string, number> {
  const figures = methodFigures({}, new Map([['m', runs]]))
  return Object.fromEntries(figures.map(({ name, value }) => [name.slice('m '.length), value]))
}
