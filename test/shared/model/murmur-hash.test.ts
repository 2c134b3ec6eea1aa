import { expect, test } from 'vitest'
import { murmurHash } from '#shared/model/murmur-hash.ts'

// Computed by MurmurHash3_x86_32 as published, in the Python package mmh3 5.3.1. A release lives as
// long as these do not change.
test.each([
  ['', 0, 0x00000000],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['a', 7, 0xeddd7e27],
  ['ab', 7, 0xfe2a26ff],
  ['abc', 7, 0x381356a9],
  ['test', 0, 0xba6bd213],
  ['test', 0xffffffff, 0x65dc7bc1],
  ['Hello, world!', 0, 0xc0363e43],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['grün', 42, 0x719f850d],
  ['日本語', 42, 0xc5c6deb8],
  ['👟', 1, 0xd68d3583]
])('the hash of %j with seed %i is the canonical one', (text, seed, hash) => {
  expect(murmurHash(text, seed)).toBe(hash)
})
