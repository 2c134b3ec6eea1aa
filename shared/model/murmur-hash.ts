// MurmurHash3 x86 32-bit (Appleby, public domain): the one hash behind every embedding look-up.
// It is written out here, and pinned by golden values in its test, because trainer and server must
// agree on it for as long as a release lives.

const encoder = new TextEncoder()

/** Hashes the UTF-8 bytes of `text`. @returns a whole number in [0, 2^32). */
export function murmurHash(text: string, seed: number): number {
  const bytes = encoder.encode(text)
  const whole = bytes.length & ~3
  let hash = seed | 0
  for (let i = 0; i < whole; i += 4) {
    hash ^= scramble(littleEndian(bytes, i, 4))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (whole < bytes.length) hash ^= scramble(littleEndian(bytes, whole, bytes.length - whole))
  return avalanche(hash ^ bytes.length)
}

function littleEndian(bytes: Uint8Array, start: number, count: number): number {
  let word = 0
  for (let i = count - 1; i >= 0; i--) word = (word << 8) | bytes[start + i]!
  return word
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

function avalanche(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
