import { expect, test } from 'vitest'
import { freePort } from '#services/nextrie/ports.ts'
import { askRecommendation, describeAnswer } from '#services/nextrie/recommend.ts'

test('an answer is laid out with its release and a row for each item', () => {
  const text = describeAnswer({
    recommendation_id: 'r1',
    release: '2026-a',
    items: [
      { item: 'A13', score: 0.25, source: 'generated', attributes: { price: 28, colour: 'black' } },
      { item: 'P6', score: 0.0625, source: 'co-visited' }
    ]
  })

  expect(text.split('\n')).toEqual([
    'recommendation r1 from release 2026-a',
    '#  item  score   source      attributes',
    '1  A13   0.2500  generated   price 28, colour black',
    '2  P6    0.0625  co-visited'
  ])
})

test('where nobody answers, the message says how to start the service', async () => {
  const port = await freePort('127.0.0.1', 0)
  const question = { url: `http://127.0.0.1:${port}`, about: { items: ['A13'] } }

  await expect(askRecommendation(question)).rejects.toMatchObject({
    code: 'SERVING_UNAVAILABLE',
    message: expect.stringContaining('npm start')
  })
})
