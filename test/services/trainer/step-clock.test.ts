import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createStepClock } from '#services/trainer/step-clock.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds)

test('a part takes the time since the one before it, over all steps', () => {
  const clock = createStepClock()

  for (const forward of [20, 40]) {
    pass(500) // between steps: nobody's
    clock.start()
    pass(10)
    clock.lap('data')
    pass(forward)
    clock.lap('forward')
    pass(50)
    clock.lap('backward')
    clock.lap('update')
  }

  expect(clock.milliseconds).toEqual({ data: 20, forward: 60, backward: 100, update: 0 })
  expect(clock.shares()).toEqual({ data: '11%', forward: '33%', backward: '56%', update: '0%' })
})

test('what is done in a second counts from the making of the clock', () => {
  const clock = createStepClock()

  pass(2000)

  expect(clock.rate(5000)).toBe(2500)
})
