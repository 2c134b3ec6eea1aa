import { beforeEach, expect, test } from 'vitest'
import { Headway, type PartitionLook } from '#services/ingestion/health.ts'

const place = { topic: 'events', partition: 0 }
let seconds = 0
let headway: Headway

beforeEach(() => {
  seconds = 0
  headway = startingHeadway()
  headway.started()
})

function startingHeadway(): Headway {
  return new Headway({ stuckMs: 60_000, blindMs: 20_000, now: () => seconds * 1000 })
}

function look(next: number, stored?: number, more: Partial<PartitionLook> = {}): void {
  headway.looked([{ ...place, oldest: 0, next, stored, ...more }])
}

/** Looks every five seconds, always seeing the same. */
function lookFor(duration: number, ...seen: Parameters<typeof look>): void {
  for (const end = seconds + duration; seconds < end; ) {
    seconds += 5
    look(...seen)
  }
}

const status = () => headway.health().status

test('a consumer whose partitions are read to their end is idle, however long', () => {
  headway.assigned([place])
  lookFor(3600, 10, 10)

  expect(status()).toBe('idle')
})

test('a consumer that has something to read and does not is stuck after a minute', () => {
  headway.assigned([place])
  look(10, 7)
  lookFor(60, 10, 7)
  expect(status()).toBe('reading')

  lookFor(5, 10, 7)
  expect(headway.health()).toEqual({
    status: 'stuck',
    stuck: [{ ...place, lag: 3, seconds: 65 }]
  })
})

test('the minute begins when there is something to read, not when the last batch was', () => {
  headway.assigned([place])
  lookFor(3600, 10, 10)
  lookFor(60, 11, 10)

  expect(status()).toBe('reading')
})

test('each batch is headway, however far behind the end', () => {
  headway.assigned([place])
  look(1_000_000, 0)
  for (let offset = 1; offset < 100; offset++) {
    lookFor(50, 1_000_000, undefined)
    headway.moved(place, offset)
  }

  expect(status()).toBe('reading')
  expect(headway.lags()).toEqual([{ ...place, lag: 999_901, isOurs: true }])
})

test('marks of transactions at the end of a partition are no lag once they were passed', () => {
  headway.assigned([place])
  look(11, 10)
  headway.moved(place, 11)
  lookFor(600, 11, 10)

  expect(status()).toBe('idle')
})

test('a partition of another process does not count, and its lag is known', () => {
  headway.assigned([])
  lookFor(600, 10, 7)

  expect(status()).toBe('standby')
  expect(headway.lags()).toEqual([{ ...place, lag: 3, isOurs: false }])
})

test('a new assignment begins the minute anew', () => {
  headway.assigned([])
  lookFor(600, 10, 7)
  headway.assigned([place])
  lookFor(60, 10, 7)

  expect(status()).toBe('reading')
})

test('until reading has begun it is starting, assigned or not, and after a minute stuck', () => {
  headway = startingHeadway()
  look(10, 7)
  headway.assigned([place])
  lookFor(60, 10, 7)
  expect(status()).toBe('starting')

  lookFor(5, 10, 7)
  expect(headway.health()).toEqual({ status: 'stuck', stuck: [] })
  headway.started()
  expect(status()).not.toBe('starting')
})

test('until Postgres has answered once it is starting, and then away, never idle or stuck', () => {
  headway.assigned([place])
  expect(status()).toBe('starting')
  seconds += 20
  expect(status()).toBe('starting')

  for (const later of [1, 60, 3600]) {
    seconds += later
    expect(status()).toBe('away')
  }
  look(10, 10)
  expect(status()).toBe('idle')
})

test('a start that waited for Postgres has a minute of its own once it answers', () => {
  headway = startingHeadway()
  seconds += 3600
  look(10, 7)
  lookFor(60, 10, 7)
  expect(status()).toBe('starting')

  lookFor(5, 10, 7)
  expect(status()).toBe('stuck')
})

test('while Kafka or Postgres does not answer nobody knows, and it is not called stuck', () => {
  headway.assigned([place])
  look(10, 7)
  seconds += 3600
  expect(status()).toBe('away')

  look(10, 7)
  lookFor(60, 10, 7)
  expect(status()).toBe('reading')
  lookFor(5, 10, 7)
  expect(status()).toBe('stuck')
})

test('what Kafka has thrown away is no lag, nor is a topic that was made anew', () => {
  headway.assigned([place])
  look(100, 10, { oldest: 90 })
  expect(headway.lags()).toMatchObject([{ lag: 10 }])

  look(4, 100)
  expect(headway.lags()).toMatchObject([{ lag: 4 }])
  headway.moved(place, 4)
  lookFor(600, 4, 4)
  expect(status()).toBe('idle')
})
