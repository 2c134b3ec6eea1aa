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
    settleRecipe(recipe, { targets: 1000 * clicks, items: 1000 })
  )
  const column = (name: 'dropout' | 'epochs' | 'learningRate') => settled.map(each => each[name])

  expect(column('dropout')).toEqual(column('dropout').toSorted((a, b) => b - a))
  expect(column('epochs')).toEqual(column('epochs').toSorted((a, b) => b - a))
  expect(column('learningRate')).toEqual(column('learningRate').toSorted((a, b) => a - b))
})

test('review data and a small shop are trained as was best on their validation', () => {
  const beauty = settleRecipe(recipe, { targets: 9 * 12_000, items: 12_000 })
  const eshop = settleRecipe(recipe, { targets: 530 * 217, items: 217 })

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

test('what a recipe settles itself is left as it is', () => {
  const given = { ...recipe, epochs: 3, dropout: 0.2, learningRate: 0.01 }

  expect(settleRecipe(given, { targets: 10, items: 10 })).toEqual(given)
})
