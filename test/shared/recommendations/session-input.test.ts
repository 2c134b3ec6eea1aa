import { expect, test } from 'vitest'
import { partOf, sessionInput } from '#shared/recommendations/session-input.ts'
import type { Click } from '#shared/sessions/session.ts'

const itemIndex = new Map([
  ['pot', 7],
  ['pan', 0]
])

test('a click becomes its item, its type, and the time since the click before', () => {
  const clicks = [click('pot', 0), click('pan', 7, 'cart'), click('pot', 7, 'purchase')]

  const input = sessionInput(clicks, itemIndex, 16)

  expect(input).toEqual({
    items: Int32Array.of(7, 0, 7),
    types: Int32Array.of(1, 2, 3), // view, click, cart, purchase
    gaps: Int32Array.of(0, 4, 1) // no click before; 1 + log2(1 + 7); 1 + log2(1 + 0)
  })
})

test('the last bucket takes every longer time', () => {
  const input = sessionInput([click('pot', 0), click('pan', 1e9)], itemIndex, 16)

  expect([...input.gaps]).toEqual([0, 15])
})

test('a click on an unknown item is left out, and the time counts from the known one before', () => {
  const clicks = [click('rake', 0), click('pot', 3), click('rake', 5), click('pan', 10)]

  const input = sessionInput(clicks, itemIndex, 16)

  expect([...input.items]).toEqual([7, 0])
  expect([...input.gaps]).toEqual([0, 4])
})

test('no known item gives an empty input', () => {
  expect(sessionInput([click('rake', 0)], itemIndex, 16).items).toHaveLength(0)
  expect(sessionInput([], itemIndex, 16).items).toHaveLength(0)
})

test('a part begins like a session, and leaves the whole as it was', () => {
  const whole = sessionInput([click('pot', 0), click('pan', 7), click('pot', 8)], itemIndex, 16)

  const part = partOf(whole, 1, 3)

  expect(part).toEqual({
    items: Int32Array.of(0, 7),
    types: Int32Array.of(1, 1),
    gaps: Int32Array.of(0, 2)
  })
  expect([...whole.gaps]).toEqual([0, 4, 2])
})

function click(itemKey: string, seconds: number, type: Click['type'] = 'click'): Click {
  return { itemKey, type, at: seconds * 1000 }
}
