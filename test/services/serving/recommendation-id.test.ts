import { expect, test } from 'vitest'
import { recommendationId } from '#services/serving/recommendation-id.ts'

test('an id is the example of RFC 9562, appendix A.6', () => {
  const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex')

  expect(recommendationId(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
})

test('ids are ordered by their time', () => {
  const random = new Uint8Array(10).fill(255)

  expect(recommendationId(1000, random) < recommendationId(1001, new Uint8Array(10))).toBe(true)
})
