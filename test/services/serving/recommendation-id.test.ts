import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { recommendationId, timeOf } from '#services/serving/recommendation-id.ts'

test('an id is the example of RFC 9562, appendix A.6', () => {
  const random = 'ffffffff-ffff-4cc3-98c4-dc0c0c07398f'

  expect(recommendationId(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
})

test('ids are ordered by their time', () => {
  const most = 'ffffffff-ffff-4fff-bfff-ffffffffffff'
  const least = '00000000-0000-4000-8000-000000000000'

  expect(recommendationId(1000, most) < recommendationId(1001, least)).toBe(true)
})

test('an id says when it was made', () => {
  expect(timeOf(recommendationId(1_700_000_000_123, randomUUID()))).toBe(1_700_000_000_123)
})
