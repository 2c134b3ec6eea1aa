// Seeded random numbers (xoshiro128**, seeded by splitmix32). Nothing in this product calls
// Math.random: the same seed gives the same split, the same item IDs and the same weights.

/** What can be shuffled: not a readonly array. */
export type Shuffled = unknown[] | Int32Array | Uint32Array | Float32Array | Float64Array

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform whole number in [0, below). */
  integer(below: number): number
  /** Standard normal. */
  normal(): number
  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T extends unknown[] | Int32Array>(values: T): T
}

export function createRandom(seed: number): Random {
  let mixer = seed >>> 0
  const splitmix = () => {
    mixer = (mixer + 0x9e3779b9) >>> 0
    let z = mixer
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()]

  const bits = () => {
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  const next = () => bits() / 0x1_0000_0000
  const integer = (below: number) => Math.floor(next() * below)

  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle: values => {
      for (let i = values.length - 1; i > 0; i--) {
        const j = integer(i + 1)
        const kept = values[i]
        values[i] = values[j]
        values[j] = kept
      }
      return values
    }
  }
}
