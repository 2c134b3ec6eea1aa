// A trie as bytes: the SHA-256 of its memory, then the memory. Read back it is as it was built, with
// nothing sorted again. Numbers are little-endian, as on every machine that Node runs on but s390x.
import { createHash } from 'node:crypto'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Trie } from './trie.ts'
import { openTrie } from './trie-memory.ts'

const hashLength = 32

/** @param base without changes: fold a trie that has some. */
export function encodeTrie(base: Trie): Uint8Array {
  const content = new Uint8Array(base.memory)
  const bytes = new Uint8Array(hashLength + content.length)
  bytes.set(content, hashLength)
  bytes.set(hashOf(bytes.subarray(hashLength)))
  return bytes
}

/** @throws RecommenderError RELEASE_CORRUPT when the bytes are not those that were written. */
export function decodeTrie(bytes: Uint8Array): Trie {
  const content = bytes.subarray(hashLength)
  if (content.length % 4 !== 0 || !hashOf(content).equals(bytes.subarray(0, hashLength))) {
    throw new RecommenderError('RELEASE_CORRUPT', 'the trie does not match its hash; publish again')
  }
  const memory = new SharedArrayBuffer(content.length)
  new Uint8Array(memory).set(content)
  return openTrie(memory)
}

function hashOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}
