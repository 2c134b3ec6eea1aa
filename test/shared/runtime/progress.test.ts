import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createProgress } from '#shared/runtime/progress.ts'

describe('where there is no terminal', () => {
  test('one line is written per interval, and one at the end', () => {
    const { stream, written } = createStream()
    const clock = createClock()
    const progress = createProgress({ title: 'training', total: 400, stream, now: clock.now })

    for (let second = 1; second <= 25; second++) {
      clock.advance(1000)
      progress.update(second * 10, { loss: (9 / second).toFixed(2) })
    }
    progress.finish()

    expect(written()).toEqual([
      'training: 100 of 400 (25 %), 30 s left, loss 0.90',
      'training: 200 of 400 (50 %), 20 s left, loss 0.45',
      'training: 250 of 400 (62 %), 15 s left, loss 0.36'
    ])
  })

  test('the last line of a finished job says how long it took', () => {
    const { stream, written } = createStream()
    const clock = createClock()
    const progress = createProgress({ title: 'importing', total: 2, stream, now: clock.now })

    clock.advance(3_725_000)
    progress.update(2)
    progress.finish({ rejected: 1 })

    expect(written().at(-1)).toBe('importing: 2 of 2 (100 %), took 1 h 2 min, rejected 1')
  })

  test('a job without work is finished', () => {
    const { stream, written } = createStream()

    createProgress({ title: 'reading', total: 0, stream, now: createClock().now }).finish()

    expect(written()).toEqual(['reading: 0 of 0 (100 %), took 0 s'])
  })

  test('the interval can be set', () => {
    const { stream, written } = createStream()
    const clock = createClock()
    const progress = createProgress({
      title: 'reading',
      total: 10,
      stream,
      intervalMs: 500,
      now: clock.now
    })

    clock.advance(499)
    progress.update(1)
    clock.advance(1)
    progress.update(2)

    expect(written()).toEqual(['reading: 2 of 10 (20 %), 2 s left'])
  })
})

describe('on a terminal', () => {
  test('a bar shows the share, the time left and the fields, and lets go at the end', () => {
    const { stream, text } = createStream()
    const clock = createClock()
    const terminal = Object.assign(stream, { isTTY: true, columns: 200, rows: 20 })
    const progress = createProgress({
      title: 'training',
      total: 4,
      stream: terminal,
      now: clock.now
    })

    clock.advance(90_000)
    progress.update(1, { loss: 2.5 })
    progress.finish()

    expect(text()).toContain('training ██████░')
    expect(text()).toContain('1 of 4 (25 %), 4 min 30 s left, loss 2.5')
    expect(text().endsWith('\n')).toBe(true)
  })
})

function createStream() {
  const stream = new PassThrough()
  let all = ''
  stream.on('data', chunk => {
    all += chunk
  })
  const text = () => {
    stream.read()
    return all
  }
  return { stream, text, written: () => text().split('\n').filter(Boolean) }
}

function createClock() {
  let now = 1000
  return {
    now: () => now,
    advance: (ms: number) => {
      now += ms
    }
  }
}
