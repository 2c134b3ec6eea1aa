import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerQuery } from '#shared/recommendations/answer-query.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { modelFiles, readModel } from '#shared/recommendations/model-files.ts'
import {
  byFallingClicks,
  type TrainedModel,
  trieOf
} from '#shared/recommendations/trained-model.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { smallModel, writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

/** Keys that an object would put in an order of its own, and one that every object has. */
const itemKeys = ['shoe', '10', '9', 'b', '1', 'constructor', 'é ✓', '-1', '007']

let folder: string
let trained: TrainedModel

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  trained = smallModel(itemKeys)
})
afterAll(() => rm(folder, { recursive: true }))

test('a model that was written and read answers exactly as before', async () => {
  const location = await writeSmallRelease(folder, trained)

  const read = readModel((await readRelease(location)).files)

  expect(read).toEqual({ ...trained, moments: read.moments, trie: read.trie })
  for (const clicked of [['shoe'], ['10', '9'], ['007', 'shoe', '1', 'b', '9', '10'], []]) {
    const clicks = clicked.map(itemKey => ({ itemKey, type: 'click' as const, at: 0 }))
    const query = { clicks, count: itemKeys.length, exclude: [] }
    expect(answerQuery(loadModel(read), query)).toEqual(answerQuery(loadModel(trained), query))
  }
})

test('categories and what codes stand for are part of a release, where there are any', () => {
  const categories = { levels: 2, classes: Int32Array.from(itemKeys.keys()).fill(-1, 4) }
  const wholeOf = {
    ...categories,
    classes: Int32Array.of(...categories.classes, ...categories.classes)
  }
  const idWords = [{ codes: [3, 1], name: undefined, items: 2, words: ['red'], examples: ['é ✓'] }]

  const read = readModel(modelFiles({ ...trained, categories: wholeOf, idWords }))
  const bare = readModel(modelFiles(trained))

  expect(read.categories).toEqual(wholeOf)
  expect(read.idWords).toEqual(idWords)
  expect([bare.categories, bare.idWords]).toEqual([undefined, undefined])
})

test('a release from before coming back had a weight gives it none', () => {
  const { returnWeight, ...before } = trained.blend

  const read = readModel(modelFiles({ ...trained, blend: before as TrainedModel['blend'] }))

  expect(returnWeight).toBeGreaterThan(0)
  expect(read.blend).toEqual({ ...before, returnWeight: 0 })
})

test('the trie is part of a release, and refused when it is damaged', () => {
  const files = modelFiles(trained)
  const damaged = files['item-ids.trie']!.map((byte, at) => (at === 40 ? byte ^ 1 : byte))

  expect(readModel(files).trie!.memory).toEqual(trieOf(trained).memory)
  expect(() => readModel({ ...files, 'item-ids.trie': damaged })).toThrow(
    expect.objectContaining({ code: 'RELEASE_CORRUPT' })
  )
})

test('items keep their order, whatever their keys look like', () => {
  expect(readModel(modelFiles(trained)).itemKeys).toEqual(itemKeys)
})

test('the same model gives the same bytes', () => {
  expect(modelFiles(smallModel(itemKeys))).toEqual(modelFiles(trained))
})

test.each(Object.keys(modelFileNames()))('a release without %s is refused by name', name => {
  const { [name]: _, ...files } = modelFiles(trained)

  expect(() => readModel(files)).toThrow(
    expect.objectContaining({
      code: 'RELEASE_CORRUPT',
      message: expect.stringContaining(name)
    })
  )
})

test.each([
  ['items.safetensors', 'vectors'],
  ['items.safetensors', 'clicks'],
  ['weights.safetensors', 'table.reachedRows'],
  ['co-visitation.safetensors', 'neighbours']
])('a release whose %s lacks %s is refused', (name, array) => {
  const files = { ...modelFiles(trained), [name]: withoutArray(modelFiles(trained)[name]!, array) }

  expect(() => readModel(files)).toThrow(expect.objectContaining({ code: 'RELEASE_CORRUPT' }))
})

test('a file that is no JSON is refused by name', () => {
  const files = { ...modelFiles(trained), 'item-ids.json': Buffer.from('{"items": [') }

  expect(() => readModel(files)).toThrow(
    expect.objectContaining({
      code: 'RELEASE_CORRUPT',
      message: expect.stringContaining('item-ids.json')
    })
  )
})

test('popularity orders by training clicks, equal ones by their place in the release', () => {
  expect([...byFallingClicks(Int32Array.of(3, 9, 0, 9))]).toEqual([1, 3, 0, 2])
})

function modelFileNames() {
  return {
    'model.json': true,
    'item-ids.json': true,
    'weights.safetensors': true,
    'items.safetensors': true,
    'co-visitation.safetensors': true
  }
}

/** Renames an array in the header, in place, so that the file stays well-formed. */
function withoutArray(bytes: Uint8Array, name: string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  return Buffer.from(text.replace(`"${name}"`, `"${'x'.repeat(name.length)}"`), 'latin1')
}
