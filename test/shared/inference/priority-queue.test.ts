import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPriorityQueue } from '#shared/inference/priority-queue.ts'

test('a priority queue gives at any moment the first of what it holds', () => {
  const acts = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('pop' as const)))
  fc.assert(
    fc.property(acts, sequence => {
      const queue = createPriorityQueue<number>((a, b) => a - b)
      const held: number[] = []

      for (const act of sequence) {
        if (act === 'pop') expect(queue.pop()).toBe(held.shift())
        else {
          queue.push(act)
          held.push(act)
          held.sort((a, b) => a - b)
        }
      }
    })
  )
})
