import { expect, test } from 'vitest'
import { allocateAddedKeys, openAddedKeys } from '#shared/recommendations/added-keys.ts'

test('keys that were added are found under their places by whoever shares the memory', () => {
  const shared = allocateAddedKeys(100)
  const [writer, reader] = [openAddedKeys(shared), openAddedKeys(shared)]
  const keys = Array.from({ length: 100 }, (_, i) => `${i % 2 ? 'Größe' : ''} ${i}`)

  for (const key of keys) writer.add(key)

  expect(reader.count).toBe(100)
  expect(keys.map(key => reader.placeOf(key))).toEqual(keys.map((_, place) => place))
  expect(keys.map((_, place) => reader.keyAt(place))).toEqual(keys)
  expect(reader.placeOf('none')).toBeUndefined()
})

test('there is room for so many, or for less where they are long', () => {
  const few = openAddedKeys(allocateAddedKeys(2))
  const long = openAddedKeys(allocateAddedKeys(2))

  few.add('a')
  few.add('b')
  long.add('x'.repeat(100))

  expect(few.hasRoomFor(['c'])).toBe(false)
  expect(long.hasRoomFor(['y'.repeat(28)])).toBe(true)
  expect(long.hasRoomFor(['y'.repeat(29)])).toBe(false)
  expect(long.hasRoomFor(['y', 'z'])).toBe(false)
})
