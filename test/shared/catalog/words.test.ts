import { expect, test } from 'vitest'
import { wordsOf } from '#shared/catalog/words.ts'

test.each([
  ['Große Pfanne, 28 cm (schwarz)', ['große', 'pfanne', '28', 'cm', 'schwarz']],
  ['鉄のフライパン ２８㎝', ['鉄のフライパン', '28cm']],
  ['КАСТРЮЛЯ no.5', ['кастрюля', 'no', '5']],
  ['— !', []],
  ['', []]
])('the words of "%s" are %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words)
})
