import { expect, test } from 'vitest'
import type { RecommendationQuery } from '#shared/recommendations/answer-query.ts'
import { RequestQueue } from '#shared/recommendations/request-queue.ts'

const question = (count: number): RecommendationQuery => ({ clicks: [], count, exclude: [] })
const overloaded = { code: 'OVERLOADED', canRetry: true }

test('questions are taken in their order, as many as asked for', async () => {
  const queue = new RequestQueue({ length: 10, deadlineMs: 100 })
  for (const count of [1, 2, 3]) void queue.ask(question(count), 0)

  expect(queue.take(2, 50).map(({ query }) => query.count)).toEqual([1, 2])
  expect(queue.take(2, 50).map(({ query }) => query.count)).toEqual([3])
  expect(queue.take(2, 50)).toEqual([])
})

test('a question that was put back comes first', () => {
  const queue = new RequestQueue({ length: 10, deadlineMs: 100 })
  for (const count of [1, 2, 3]) void queue.ask(question(count), 0)
  const taken = queue.take(2, 50)

  queue.putBack(taken)

  expect(queue.take(9, 50).map(({ query }) => query.count)).toEqual([1, 2, 3])
})

test('a full queue refuses, and has room again when something was taken', async () => {
  const queue = new RequestQueue({ length: 1, deadlineMs: 100 })
  void queue.ask(question(1), 0)

  await expect(queue.ask(question(2), 0)).rejects.toMatchObject(overloaded)
  queue.take(1, 0)
  void queue.ask(question(3), 0)

  expect(queue.length).toBe(1)
})

test('whose time is up is refused, when it is taken or looked after', async () => {
  const queue = new RequestQueue({ length: 10, deadlineMs: 100 })
  const first = expect(queue.ask(question(1), 0)).rejects.toMatchObject(overloaded)
  void queue.ask(question(2), 20)
  const third = expect(queue.ask(question(3), 30)).rejects.toMatchObject(overloaded)

  queue.refuseLate(100)
  await first
  expect(queue.take(1, 119).map(({ query }) => query.count)).toEqual([2])
  expect(queue.take(1, 130)).toEqual([])
  await third
})

test('a question is settled once', async () => {
  const queue = new RequestQueue({ length: 10, deadlineMs: 100 })
  const answer = queue.ask(question(1), 0)
  const [asked] = queue.take(1, 0)

  expect(asked!.isSettled()).toBe(false)
  asked!.resolve([])
  asked!.reject(new Error('late'))

  expect(asked!.isSettled()).toBe(true)
  expect(await answer).toEqual([])
})

test('clearing fails all that wait', async () => {
  const queue = new RequestQueue({ length: 10, deadlineMs: 100 })
  const failed = expect(queue.ask(question(1), 0)).rejects.toThrow('closed')

  queue.clear(new Error('closed'))

  await failed
  expect(queue.length).toBe(0)
})
