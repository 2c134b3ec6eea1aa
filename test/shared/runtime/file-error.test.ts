import { createReadStream, existsSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { fileError } from '#shared/runtime/file-error.ts'

test.each([
  ['/nowhere/log.csv', /^\/nowhere\/log\.csv cannot be used: there is no such file.* \(ENOENT\)$/],
  ['/dev/null/x', /^\/dev\/null\/x cannot be used: something above it is no folder \(ENOTDIR\)$/]
])('a fault of %s names it', (path, message) => {
  expect(fileError(errorOf(() => openSync(path, 'r')))).toMatchObject({
    code: 'FILE_UNUSABLE',
    message: expect.stringMatching(message),
    cause: { syscall: 'open' }
  })
})

test('a folder that is read as a file is named by its reader', async () => {
  const error = await createReadStream(tmpdir())
    .toArray()
    .catch(cause => cause)

  expect(fileError(error)).toBe(error)
  expect(fileError(error, 'items')).toMatchObject({
    code: 'FILE_UNUSABLE',
    message: 'items cannot be used: it is a folder (EISDIR)'
  })
})

test.runIf(existsSync('/dev/full'))('a full disk is told even where no file is named', () => {
  const error = errorOf(() => writeSync(openSync('/dev/full', 'w'), 'x'))

  expect(fileError(error)).toMatchObject({ message: expect.stringContaining('the disk is full') })
})

test('what gzip did not make is no data set', () => {
  const error = errorOf(() => gunzipSync(Buffer.from('not of gzip, whatever its name')))

  expect(fileError(error, 'events.ndjson.gz')).toMatchObject({
    code: 'DATASET_INVALID',
    message: 'events.ndjson.gz is no file of gzip, or not all of one: incorrect header check'
  })
})

test.each([
  ['a bug', new TypeError('undefined is not a function')],
  ['one of ours', new RecommenderError('LOG_TOO_SHORT', 'collect more')],
  ['a lost connection', Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' })],
  ['something that is no error', 'ENOENT']
])('%s is left as it is', (_, error) => {
  expect(fileError(error, 'events.ndjson')).toBe(error)
})

function errorOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}
