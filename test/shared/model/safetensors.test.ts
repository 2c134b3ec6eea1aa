import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeArrays, encodeArrays, type NamedArrays } from '#shared/model/safetensors.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

const arrays: NamedArrays = {
  weights: { shape: [2, 2], values: Float32Array.of(1.5, -2, 0, 3) },
  rows: { shape: [2], values: Int32Array.of(7, -1) },
  nothing: { shape: [0, 3], values: new Float32Array(0) }
}

test('what was written is read back, bit for bit', () => {
  const kinds = fc.dictionary(
    fc.string(),
    fc.oneof(
      fc.float32Array().map(values => ({ shape: [values.length], values })),
      fc.int32Array().map(values => ({ shape: [values.length, 1], values }))
    )
  )

  fc.assert(
    fc.property(kinds, made => {
      expect(decodeArrays(encodeArrays(made))).toEqual({ ...made })
    })
  )
})

test('an array may have any name', () => {
  const named = JSON.parse('{"": 0, "__proto__": 0, "constructor": 0}') as Record<string, unknown>
  for (const name of Object.keys(named)) {
    const value = { shape: [1], values: Float32Array.of(name.length) }
    Object.defineProperty(named, name, { value, enumerable: true })
  }

  expect(Object.entries(decodeArrays(encodeArrays(named as NamedArrays)))).toEqual(
    Object.entries(named)
  )
})

test('the header is JSON after its length, and the numbers follow by name on eight bytes', () => {
  const bytes = encodeArrays(arrays)

  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  expect(header).toEqual({
    nothing: { dtype: 'F32', shape: [0, 3], data_offsets: [0, 0] },
    rows: { dtype: 'I32', shape: [2], data_offsets: [0, 8] },
    weights: { dtype: 'F32', shape: [2, 2], data_offsets: [8, 24] }
  })
  expect(length % 8).toBe(0)
  expect(Buffer.from(bytes.subarray(8 + length)).toString('hex')).toBe(
    '07000000ffffffff0000c03f000000c00000000000004040'
  )
})

test('the order in which arrays were named changes no byte', () => {
  const reversed = Object.fromEntries(Object.entries(arrays).reverse())

  expect(encodeArrays(reversed)).toEqual(encodeArrays(arrays))
})

test('a file that Python wrote is read', () => {
  // save({'weights': float32 [[1.5, -2], [0, 3]], 'rows': int32 [7, -1]}) of safetensors.numpy 0.8
  const header =
    '{"weights":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},' +
    '"rows":{"dtype":"I32","shape":[2],"data_offsets":[16,24]}}       '
  const numbers = '0000c03f000000c0000000000000404007000000ffffffff'
  const file = Buffer.concat([
    Buffer.from('8000000000000000', 'hex'),
    Buffer.from(header),
    Buffer.from(numbers, 'hex')
  ])

  expect(decodeArrays(file)).toEqual({ weights: arrays.weights, rows: arrays.rows })
})

test('a window of a pool is read, at an odd place too', () => {
  const file = encodeArrays(arrays)
  const pool = Buffer.alloc(file.length + 64, 0xee)

  for (const place of [0, 1, 3, 8]) {
    pool.fill(0xee).set(file, place)
    expect(decodeArrays(pool.subarray(place, place + file.length))).toEqual(arrays)
  }
})

test('what is read shares no memory with the file', () => {
  const file = encodeArrays(arrays)
  const decoded = decodeArrays(file)

  file.fill(0xff)

  expect(decoded).toEqual(arrays)
  expect(decoded.rows!.values.buffer.byteLength).toBe(8)
})

test('a view into a larger array is written alone', () => {
  const values = Float32Array.of(9, 1.5, -2, 0, 3, 9).subarray(1, 5)

  expect(encodeArrays({ ...arrays, weights: { shape: [2, 2], values } })).toEqual(
    encodeArrays(arrays)
  )
})

test.each([
  ['is empty', () => new Uint8Array(0)],
  ['ends within the numbers', () => encodeArrays(arrays).subarray(0, -1)],
  ['ends within the header', () => encodeArrays(arrays).subarray(0, 40)],
  ['is something else', () => Buffer.from('PK\u0003\u0004 a zip archive, for example')],
  ['has a header that is no JSON', () => fileOf('{"rows"')],
  [
    'has numbers of a type that we do not read',
    () => fileOf('{"rows":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}')
  ],
  [
    'has fewer numbers than the shape says',
    () => fileOf('{"rows":{"dtype":"I32","shape":[3],"data_offsets":[0,8]}}')
  ]
])('a file that %s is refused as corrupt', (_, file) => {
  expect(() => decodeArrays(file())).toThrow(RecommenderError)
  expect(() => decodeArrays(file())).toThrow(expect.objectContaining({ code: 'RELEASE_CORRUPT' }))
})

/** A file with this header and eight bytes of numbers. */
function fileOf(header: string): Uint8Array {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(8)])
}
