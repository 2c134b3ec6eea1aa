import { beforeAll, expect, test } from 'vitest'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { checkSample, takeSample } from '#shared/recommendations/sample.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemKeys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
let trained: TrainedModel

beforeAll(async () => {
  await useBackend('cpu')
  trained = smallModel(itemKeys)
})

test('a model passes its own sample, and one loaded again does too', () => {
  const sample = takeSample(loadModel(trained), ['a', 'b'])

  expect(sample.clicked).toEqual(['a', 'b'])
  expect(sample.answer).toHaveLength(10)
  expect(() => checkSample(loadModel(trained), sample)).not.toThrow()
})

test('where visitors come back to items, the sample lists clicked ones, too', () => {
  const listed = (repeats: boolean) =>
    takeSample(loadModel({ ...trained, repeats }), itemKeys.slice(0, 6)).answer.length

  expect(listed(true)).toBe(10)
  expect(listed(false)).toBe(6)
})

test('a difference of rounding passes', () => {
  const sample = takeSample(loadModel(trained), ['a', 'b'])
  const rounded = sample.answer.map(({ item, score }) => ({ item, score: score + 1e-5 }))

  expect(() => checkSample(loadModel(trained), { ...sample, answer: rounded })).not.toThrow()
})

test('a release that ranks too few items for its sample is refused', () => {
  const sample = takeSample(loadModel(trained), ['a', 'b'])
  const shorter = { ...sample, answer: sample.answer.slice(1) }

  expect(() => checkSample(loadModel(trained), shorter)).toThrow(corrupt)
})

test('a model with other weights is refused', () => {
  const sample = takeSample(loadModel(trained), ['a', 'b'])
  const name = 'block0.feedforward.up'
  const { shape, values } = trained.weights[name]!
  const changed = { shape, values: values.map(value => -value) as Float32Array }

  const other = loadModel({ ...trained, weights: { ...trained.weights, [name]: changed } })

  expect(() => checkSample(other, sample)).toThrow(corrupt)
})

test('a model that gives the right scores to the wrong items is refused', () => {
  const sample = takeSample(loadModel(trained), [])
  const [first, second, ...others] = sample.answer
  const swapped = [
    { item: second!.item, score: first!.score },
    { item: first!.item, score: second!.score }
  ]

  expect(() =>
    checkSample(loadModel(trained), { ...sample, answer: [...swapped, ...others] })
  ).toThrow(corrupt)
})

const corrupt = expect.objectContaining({
  code: 'RELEASE_CORRUPT',
  message: expect.stringContaining('sample question')
})
