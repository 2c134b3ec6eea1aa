import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { recipe, settleRecipe, trainerConfig } from '#services/trainer/config.ts'

test('only the database has to be named', () => {
  expect(trainerConfig({ DATABASE_URL: 'postgres://127.0.0.1/shop' })).toEqual({
    databaseUrl: 'postgres://127.0.0.1/shop',
    releasesFolder: resolve('.nextrie/releases'),
    releasesKept: 5,
    backend: 'auto',
    seed: 1,
    sessionGapMinutes: 30,
    testDays: 14,
    validationDays: 14,
    learnHeldOut: false,
    logLevel: 'info'
  })
})

test('every setting can be given', () => {
  const config = trainerConfig({
    DATABASE_URL: 'postgres://127.0.0.1/shop',
    RELEASES_FOLDER: '/srv/releases',
    RELEASES_KEPT: '3',
    TRAINING_BACKEND: 'native',
    SEED: '7',
    SESSION_GAP_MINUTES: '20',
    TEST_DAYS: '0.5',
    VALIDATION_DAYS: '2',
    LEARN_HELD_OUT: 'yes',
    LOG_LEVEL: 'debug'
  })

  expect(config).toEqual({
    databaseUrl: 'postgres://127.0.0.1/shop',
    releasesFolder: '/srv/releases',
    releasesKept: 3,
    backend: 'native',
    seed: 7,
    sessionGapMinutes: 20,
    testDays: 0.5,
    validationDays: 2,
    learnHeldOut: true,
    logLevel: 'debug'
  })
})

test('every fault is named at once', () => {
  const environment = {
    RELEASES_KEPT: '1',
    TRAINING_BACKEND: 'gpu',
    SEED: '-1',
    SESSION_GAP_MINUTES: 'half an hour',
    TEST_DAYS: '-2',
    VALIDATION_DAYS: 'two',
    LEARN_HELD_OUT: 'please'
  }

  expect(() => trainerConfig(environment)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message:
        'DATABASE_URL is missing; ' +
        'RELEASES_KEPT must be a whole number of at least 2; ' +
        'TRAINING_BACKEND must be one of auto, native, wasm, cpu; ' +
        'SEED must be a whole number of at least 0; ' +
        'SESSION_GAP_MINUTES must be a whole number of at least 0; ' +
        'TEST_DAYS must be a number of at least 0; ' +
        'VALIDATION_DAYS must be a number of at least 0; ' +
        'LEARN_HELD_OUT must be one of yes, no'
    })
  )
})

test('the widths of the recipe divide, and the item key is looked up twice or more', () => {
  expect(recipe.width % recipe.heads).toBe(0)
  expect(recipe.width % recipe.rowWidth).toBe(0)
  expect(recipe.width / recipe.rowWidth).toBeGreaterThanOrEqual(2)
})

test('the scarcer the clicks on an item, the more dropout, the more epochs and the smaller the steps', () => {
  const settled = [1, 9, 50, 530, 1e6].map(clicks =>
    settleRecipe(recipe, { targets: 1000 * clicks, items: 1000, toldApart: 1 })
  )
  const column = (name: 'dropout' | 'epochs' | 'learningRate') => settled.map(each => each[name])

  expect(column('dropout')).toEqual(column('dropout').toSorted((a, b) => b - a))
  expect(column('epochs')).toEqual(column('epochs').toSorted((a, b) => b - a))
  expect(column('learningRate')).toEqual(column('learningRate').toSorted((a, b) => a - b))
})

test('review data and a small shop are trained as was best on their validation', () => {
  const beauty = settleRecipe(recipe, { targets: 9 * 12_000, items: 12_000, toldApart: 1 })
  const eshop = settleRecipe(recipe, { targets: 530 * 217, items: 217, toldApart: 1 })

  expect(beauty).toMatchObject({
    epochs: 20,
    dropout: expect.closeTo(0.4, 1),
    learningRate: expect.closeTo(0.002, 4)
  })
  expect(eshop).toMatchObject({
    epochs: 6,
    dropout: expect.closeTo(0.1, 1),
    learningRate: expect.closeTo(0.004, 3)
  })
})

test('a log too long for many epochs is learned with less dropout', () => {
  const settled = [200_000, 650_000].map(targets =>
    settleRecipe(recipe, { targets, items: targets / 15, toldApart: 1 })
  )

  expect(settled.map(({ epochs }) => epochs)).toEqual([18, 6])
  expect(settled[0]!.dropout).toBeCloseTo(0.35, 1)
  expect(settled[1]!.dropout).toBeCloseTo(0.12, 2)
})

test('the table grows with the keys of the catalogue, within bounds', () => {
  const bytes = [1, 12_101, 43_097, 100_000_000].map(
    items => settleRecipe(recipe, { targets: 1000, items, toldApart: 1 }).tableBytes
  )

  expect(bytes).toEqual([2 ** 24, 2 ** 24, 2 ** 26, 2 ** 28])
})

test('keys are hidden as often as metadata can stand in for them', () => {
  const hidden = [0, 0.023, 0.5, 0.95, 1].map(
    toldApart => settleRecipe(recipe, { targets: 1000, items: 100, toldApart }).keyDropout
  )

  expect(hidden[0]).toBe(0)
  expect(hidden[1]).toBeLessThan(0.01) // Diginetica: a thousand categories for 43,000 items
  expect(hidden[2]).toBeCloseTo(0.17)
  expect(hidden.slice(3)).toEqual([0.3, 0.3]) // review data, a small shop
})

test('what a recipe settles itself is left as it is', () => {
  const given = {
    ...recipe,
    epochs: 3,
    dropout: 0.2,
    learningRate: 0.01,
    keyDropout: 0.5,
    tableBytes: 512
  }

  expect(settleRecipe(given, { targets: 10, items: 10, toldApart: 1 })).toEqual(given)
})
