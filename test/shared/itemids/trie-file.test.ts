import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { decodeTrie, encodeTrie } from '#shared/itemids/trie-file.ts'
import { openTrie } from '#shared/itemids/trie-memory.ts'
import { idsOf } from '#test/support/ids-of.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

describe('a trie as bytes', () => {
  test('is read back as it was', () => {
    fc.assert(
      fc.property(tinyCatalogue().map(buildTrie), trie => {
        expect(arraysOf(decodeTrie(encodeTrie(trie)))).toEqual(arraysOf(trie))
      })
    )
  })

  test('is refused when any byte is another one, missing, or too many', () => {
    const bytes = encodeTrie(buildTrie(idsOf([[1, 2, 3]])))
    const refused = expect.objectContaining({ code: 'RELEASE_CORRUPT' })

    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.map((byte, place) => (place === at ? byte ^ 1 : byte))
      expect(() => decodeTrie(damaged)).toThrow(refused)
    }
    expect(() => decodeTrie(bytes.subarray(0, -1))).toThrow(refused)
    expect(() => decodeTrie(new Uint8Array([...bytes, 0, 0, 0, 0]))).toThrow(refused)
    expect(() => decodeTrie(new Uint8Array(0))).toThrow(refused)
  })
})

test('memory that holds no trie is refused', () => {
  for (const length of [0, 4, 400]) {
    expect(() => openTrie(new SharedArrayBuffer(length))).toThrow(
      expect.objectContaining({ code: 'RELEASE_CORRUPT' })
    )
  }
})

function arraysOf({ levelStarts, firstChild, parent, code, itemCount, item, leaf }: Trie) {
  return { levelStarts, firstChild, parent, code, itemCount, item, leaf }
}
