import { expect, test } from 'vitest'
import type { Session } from '#shared/sessions/session.ts'
import { drawCold, withoutClicksOn } from './cold-items.ts'
import type { SplitDataset } from './quality/read-dataset.ts'

const dataset: SplitDataset = {
  items: Array.from({ length: 40 }, (_, i) => ({
    key: `item${i}`,
    attributes: {},
    isVisible: true
  })),
  training: sessions('a b c', 'a x', 'x b c'),
  validation: sessions('a b c x', 'a x c b'),
  test: sessions('a b c x y', 'x c b a', 'b x'),
  asked: 'last-click',
  protocol: 'leave-one-out by user'
}

test('the draw of cold items is of the share asked for, and decided by its seed', () => {
  const drawn = (seed: number) => [...drawCold(dataset, 0.25, seed)]

  expect(new Set(drawn(1)).size).toBe(10)
  expect(drawn(1)).toEqual(drawn(1))
  expect(drawn(1)).not.toEqual(drawn(2))
})

test('cold items leave training, validation and histories, and stay what the test asks for', () => {
  const cold = new Set(['x', 'y'])

  const { training, validation, test: held } = withoutClicksOn(dataset, cold)

  expect(words(training)).toEqual(['a b c', 'b c'])
  expect(words(validation)).toEqual(['a c b']) // the other one asked for x
  expect(words(held)).toEqual(['a b c y', 'c b a', 'b x'])
})

function sessions(...all: string[]): Session[] {
  return all.map((items, s) => ({
    sessionId: `${s}`,
    clicks: items.split(' ').map((itemKey, i) => ({ itemKey, type: 'click', at: i * 1000 }))
  }))
}

function words(all: readonly Session[]): string[] {
  return all.map(({ clicks }) => clicks.map(({ itemKey }) => itemKey).join(' '))
}
