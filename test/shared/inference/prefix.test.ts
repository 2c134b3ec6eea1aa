import { expect, test } from 'vitest'
import { logSumExp } from '#shared/inference/prefix.ts'

test('logSumExp stays finite where exp would not', () => {
  expect(logSumExp(Float64Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 10)
  expect(logSumExp(Float64Array.of(-1000, -1001))).toBeCloseTo(-1000 + Math.log(1 + 1 / Math.E), 10)
})
