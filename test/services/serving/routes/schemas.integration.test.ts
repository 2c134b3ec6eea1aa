import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

test('the contracts are served as they are published', async () => {
  const list = await serving.app.inject('/v1/schemas')
  expect(list.json()).toEqual({ schemas: ['event-1', 'item-1'] })

  for (const name of list.json().schemas) {
    const response = await serving.app.inject(`/v1/schemas/${name}`)
    const published = readFileSync(`shared/events/schemas/${name}.schema.json`, 'utf8')
    expect(response.headers['content-type']).toMatch('application/schema+json')
    expect(response.json()).toEqual(JSON.parse(published))
  }
})

test('there is no contract of another name', async () => {
  const response = await serving.app.inject('/v1/schemas/event-0')

  expect(response.statusCode).toBe(404)
  expect(response.json().detail).toContain('event-1, item-1')
})
