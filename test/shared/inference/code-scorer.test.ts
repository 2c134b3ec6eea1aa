import { expect, test } from 'vitest'
import { countCalls } from '#shared/inference/code-scorer.ts'
import { childAt } from '#shared/itemids/trie.ts'

test('a counting scorer passes each call on and counts it', () => {
  const counting = countCalls({
    scoreChildren(node, children, scores) {
      for (let c = 0; c < children.count; c++) scores[c] = childAt(children, c) + node
    }
  })
  const scores = new Float64Array(2)

  counting.scoreChildren(1, { count: 2, first: 5, list: undefined }, scores)

  expect(scores).toEqual(Float64Array.of(6, 7))
  expect(counting.calls).toBe(1)
})
