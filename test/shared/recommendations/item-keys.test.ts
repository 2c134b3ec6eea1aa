import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openKeys, shareKeys } from '#shared/recommendations/item-keys.ts'

test('every key has its number, every number its key, and nothing else has one', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 6 })
  fc.assert(
    fc.property(fc.uniqueArray(text, { maxLength: 200 }), fc.array(text), (keys, others) => {
      const shared = openKeys(shareKeys(keys))

      expect(keys.map(key => shared.get(key))).toEqual([...keys.keys()])
      expect(keys.map((_, item) => shared.keyOf(item))).toEqual(keys)
      for (const other of others) expect(shared.has(other)).toBe(keys.includes(other))
    })
  )
})
