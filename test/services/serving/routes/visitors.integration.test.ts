import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

test('a visitor is erased, as often as it is asked, and each time is recorded', async () => {
  const { app, database } = serving
  const click = { type: 'click', time: '2026-03-01T09:30:00Z', item: 'a' }
  const payload = [
    { ...click, id: '1', session: 's1', visitor: 'v/1 ü' },
    { ...click, id: '2', session: 's2', visitor: 'v2' }
  ]
  await app.inject({ method: 'POST', url: '/v1/events', payload })
  const erase = () =>
    app.inject({ method: 'DELETE', url: `/v1/visitors/${encodeURIComponent('v/1 ü')}` })

  const first = await erase()
  const second = await erase()

  expect(first.statusCode).toBe(200)
  expect(first.json()).toEqual({ events: 1, session_tails: 1, dead_letters: 0 })
  expect(second.json()).toEqual({ events: 0, session_tails: 0, dead_letters: 0 })
  expect(await readSessionTail(database.pool, 's1')).toBeUndefined()
  expect(await readSessionTail(database.pool, 's2')).toBeDefined()
  const { rows } = await database.pool.query('select events from erasures order by erased_at')
  expect(rows).toEqual([{ events: 1 }, { events: 0 }])
})

test('an id that no visitor can have is refused', async () => {
  const url = `/v1/visitors/${'x'.repeat(201)}`
  const response = await serving.app.inject({ method: 'DELETE', url })

  expect(response.statusCode).toBe(400)
})
