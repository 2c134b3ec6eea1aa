// More than can be answered, asked of the real threads over HTTP.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchLimits } from '#services/serving/routes/batch-limits.ts'
import { smallModel } from '#test/support/small-release.ts'
import { type ServedRelease, serveRelease } from './served-release.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
/** Of few questions, so that the test overloads it by not many more; each has time, also on a busy machine. */
const queue = { length: 2, deadlineMs: 60_000 }

let served: ServedRelease
let url: string
beforeAll(async () => {
  const parts = { batches: batchLimits(queue.length) }
  served = await serveRelease({ trained: smallModel(itemKeys), queue, parts })
  url = `${await served.listen()}/v1/recommendations`
}, 60_000)
afterAll(() => served.close())

function post(path: string, type: string, body: string): Promise<Response> {
  return fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
}

const costly = JSON.stringify({ items: itemKeys.slice(0, 8), n: 20, explain: true })

test('what finds no room is refused at once with the time to come again, the rest is answered', async () => {
  const ask = () => post('', 'application/json', costly)

  const answers = await Promise.all(Array.from({ length: 150 }, ask))

  const refused = answers.filter(({ status }) => status === 503)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  for (const answer of refused) {
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({ code: 'OVERLOADED', status: 503 })
  }
  expect((await ask()).status).toBe(200)
})

test('batches do not overload a service with a short queue by themselves', async () => {
  const batch = async () => {
    const lines = `${costly}\n`.repeat(40)
    const response = await post('/batch', 'application/x-ndjson', lines)
    return (await response.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  }

  const [first, second] = await Promise.all([batch(), batch()])

  for (const lines of [first!, second!]) {
    expect(lines).toHaveLength(40)
    expect(lines.filter(({ error }) => error)).toEqual([])
  }
})
