import { expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { codesOf } from '#shared/itemids/trie.ts'
import { idsOf } from '#test/support/ids-of.ts'

test('the codes of a node are those on the way from the root', () => {
  const trie = buildTrie(
    idsOf([
      [3, 1],
      [3, 4]
    ])
  )

  expect(codesOf(trie, trie.leafOf(1))).toEqual([3, 4])
  expect(codesOf(trie, 0)).toEqual([])
})
