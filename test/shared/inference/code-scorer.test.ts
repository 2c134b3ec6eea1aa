import { expect, test } from 'vitest'
import { countCalls } from '#shared/inference/code-scorer.ts'

test('a counting scorer passes each call on and counts it', () => {
  const counting = countCalls({
    scoreChildren(node, children, scores) {
      scores.set(Array.from(children, child => child + node))
    }
  })
  const scores = new Float64Array(2)

  counting.scoreChildren(1, Int32Array.of(5, 6), scores)

  expect(scores).toEqual(Float64Array.of(6, 7))
  expect(counting.calls).toBe(1)
})
