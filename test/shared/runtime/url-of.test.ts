import { expect, test } from 'vitest'
import { urlOf } from '#shared/runtime/url-of.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['localhost', 'http://localhost:8080'],
  ['::1', 'http://[::1]:8080']
])('%s is asked at %s', (host, url) => {
  expect(urlOf({ host, port: 8080 })).toBe(url)
})
