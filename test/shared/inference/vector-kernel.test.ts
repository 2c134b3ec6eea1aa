import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openKernel } from '#shared/inference/vector-kernel.ts'
import { createRandom } from '#shared/runtime/random.ts'

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true })
const kernel = openKernel(memory)
const floats = new Float32Array(memory.buffer)
const integers = new Int32Array(memory.buffer)
/** Places in numbers; the kernel takes bytes. */
const [vector, squares, indices, out, rows] = [0, 200, 400, 500, 600]

const cases = fc.record({
  width: fc.integer({ min: 1, max: 70 }),
  rank: fc.integer({ min: 0, max: 4 }),
  picked: fc.array(fc.nat(29), { maxLength: 40 }),
  seed: fc.nat()
})

test('every row picked has its product, at every width', () => {
  fc.assert(
    fc.property(cases, ({ width, picked, seed }) => {
      fill(seed, picked)

      kernel.dots(0, 4 * rows, 4 * width, 4 * width, 4 * indices, picked.length, 4 * out)

      picked.forEach((row, c) => {
        expect(floats[out + c]).toBeCloseTo(dot(vector, rows + row * width, width), 3)
      })
    })
  )
})

test('every Gaussian picked has its score: mean, diagonal and directions', () => {
  fc.assert(
    fc.property(cases, ({ width, rank, picked, seed }) => {
      fill(seed, picked)
      const stride = (2 + rank) * width

      const [at, step, row] = [4 * rows, 4 * stride, 4 * width]
      kernel.gaussians(0, at, step, row, 4 * indices, picked.length, 4 * out, 4 * squares)

      picked.forEach((node, c) => {
        const mean = rows + node * stride
        let variance = dot(squares, mean + width, width)
        for (let r = 2; r < 2 + rank; r++) variance += dot(vector, mean + r * width, width) ** 2
        expect(floats[out + c]).toBeCloseTo(dot(vector, mean, width) + variance / 2, 2)
      })
    })
  )
})

test('the state of the decoder is the session with its correction, at every width', () => {
  fc.assert(
    fc.property(cases, fc.constantFrom(1, 30, 1000), ({ width, seed }, scale) => {
      fill(seed, [])
      const [sessionPart, nodePart, session, hidden, state] = [0, 100, 200, 300, 400]
      for (let d = 0; d < width; d++) floats[sessionPart + d]! *= scale
      floats.fill(Number.NaN, hidden, state + 100)

      kernel.decoderState(
        ...([sessionPart, nodePart, session, rows].map(at => 4 * at) as Places),
        4 * width,
        ...([hidden, state, out].map(at => 4 * at) as Written)
      )

      for (let d = 0; d < width; d++) {
        const x = floats[sessionPart + d]! + floats[nodePart + d]!
        const gelu = x / (1 + Math.exp(-1.702 * x))
        expect(Math.abs(floats[hidden + d]! - gelu)).toBeLessThan(1e-6 * Math.abs(x) + 1e-12)
        const corrected = floats[session + d]! + dot(hidden, rows + d * width, width)
        expect(Math.abs(floats[state + d]! - corrected)).toBeLessThan(1e-4 * scale)
        expect(floats[out + d]).toBe(Math.fround(floats[state + d]! ** 2))
      }
      expect(floats[state + width]).toBeNaN()
    })
  )
})

type Places = [number, number, number, number]
type Written = [number, number, number]

function fill(seed: number, picked: readonly number[]): void {
  const random = createRandom(seed)
  floats.forEach((_, i) => {
    floats[i] = random.next() - 0.5
  })
  integers.set(picked, indices)
  floats.fill(Number.NaN, out, out + picked.length)
}

function dot(left: number, right: number, width: number): number {
  let sum = 0
  for (let d = 0; d < width; d++) sum += floats[left + d]! * floats[right + d]!
  return sum
}
