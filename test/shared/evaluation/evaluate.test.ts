import { expect, test } from 'vitest'
import { evaluate, type Method, type Question } from '#shared/evaluation/evaluate.ts'

const questions = [question([4], 5), question([4, 5], 6), question([9], 3)]

test('every method answers every question, and has its row in their order', () => {
  const next: Method = { name: 'next', recommend: ({ clicked }) => [clicked.at(-1)! + 1] }
  const three: Method = { name: 'always 3', recommend: () => [3] }

  const rows = evaluate([next, three], questions, 10)

  expect(rows).toMatchObject([
    { method: 'next', targets: 3, recallAt10: 2 / 3, coverageAt10: 3 / 10 },
    { method: 'always 3', targets: 3, recallAt10: 1 / 3, coverageAt10: 1 / 10 }
  ])
})

test('progress counts the questions that all methods have answered', () => {
  const progress: number[] = []
  const method: Method = { name: 'always 3', recommend: () => [3] }

  evaluate([method, method], questions, 10, done => progress.push(done))

  expect(progress).toEqual([1, 2, 3])
})

function question(clicked: readonly number[], target: number): Question {
  return { clicked: Int32Array.from(clicked), state: new Float32Array(2), target }
}
