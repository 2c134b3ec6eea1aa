import { expect, test } from 'vitest'
import { wholeNumber } from '#services/nextrie/whole-number.ts'

test('a whole number within its limits is read', () => {
  expect(['1', '07', '9007199254740991'].map(wholeNumber(1))).toEqual([1, 7, 2 ** 53 - 1])
  expect(wholeNumber(-3, 3)('-3')).toBe(-3)
})

test.each(['', ' 1', '1e3', '0x10', '2.5', 'x', '-', '9007199254740993'])(
  '"%s" is refused',
  text => {
    expect(() => wholeNumber(1)(text)).toThrow('It must be a whole number of at least 1.')
  }
)

test('what is out of limits is refused with the limits', () => {
  expect(() => wholeNumber(1)('0')).toThrow('of at least 1')
  expect(() => wholeNumber(0, 525_600)('525601')).toThrow('from 0 to 525600')
})
