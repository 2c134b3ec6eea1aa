// A bit for each of many things, and in constant time how many bits are set in a range: a word holds
// 32 bits, and beside it stands how many are set before it.

export interface RankedBits {
  has(place: number): boolean
  /** Bits set at places from `start` to `end` - 1. */
  countBetween(start: number, end: number): number
}

export function rankBits(length: number, isSet: (place: number) => boolean): RankedBits {
  const words = new Int32Array((length >> 5) + 1)
  for (let place = 0; place < length; place++) {
    if (isSet(place)) words[place >> 5]! |= 1 << (place & 31)
  }
  const before = new Int32Array(words.length)
  for (let w = 1; w < words.length; w++) before[w] = before[w - 1]! + countOnes(words[w - 1]!)
  const countBelow = (place: number) => {
    const low = words[place >> 5]! & ((1 << (place & 31)) - 1)
    return before[place >> 5]! + countOnes(low)
  }
  return {
    has: place => ((words[place >> 5]! >> (place & 31)) & 1) === 1,
    countBetween: (start, end) => countBelow(end) - countBelow(start)
  }
}

/** Sums of bits by pairs, by fours, by bytes, and of the four bytes. */
function countOnes(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
