import { expect, test } from 'vitest'
import { createRandom } from '#shared/runtime/random.ts'
import { isMemoryRead } from './training-speed/measured.ts'
import { lineThrough } from './training-speed.ts'

const steps = Array.from({ length: 46 }, (_, i) => 100 + 20 * i)

test('memory that goes up and down, and holds no more in the end, is seen as flat', () => {
  const { normal } = createRandom(1)
  const readings = steps.map(step => ({ step, megabytes: 900 + 15 * normal() }))

  const { start, end } = lineThrough(readings)

  expect(end / start).toBeGreaterThan(0.98)
  expect(end / start).toBeLessThan(1.02)
})

test('memory that leaks a tenth over the steps is seen to, however the last reading falls', () => {
  const leaking = steps.map(step => ({ step, megabytes: 900 + (90 * (step - 100)) / 900 }))
  const readings = [...leaking.slice(0, -1), { step: 1000, megabytes: 900 }]

  const { start, end } = lineThrough(readings)

  expect(end / start).toBeGreaterThan(1.08)
})

test('one reading is a line of its own', () => {
  expect(lineThrough([{ step: 3, megabytes: 800 }])).toEqual({ start: 800, end: 800 })
})

test('memory is read from the hundredth of a thousand steps on, and at the end', () => {
  const read = Array.from({ length: 1000 }, (_, i) => i + 1).filter(n => isMemoryRead(n, 1000))

  expect(read).toEqual(steps)
  expect(isMemoryRead(1, 2)).toBe(true)
  expect(isMemoryRead(30, 30)).toBe(true)
})
