// Named arrays in one file, in the safetensors format: eight bytes with the length of a JSON header,
// the header (name -> dtype, shape, place), then the numbers, little-endian. Plain, and readable
// from Python.
import { RecommenderError } from '#shared/runtime/errors.ts'

export interface NamedArray {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array
}
export type NamedArrays = Readonly<Record<string, NamedArray>>

interface Entry {
  readonly dtype: 'F32' | 'I32'
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** The same arrays give the same bytes: names are sorted. */
export function encodeArrays(arrays: NamedArrays): Uint8Array {
  const names = Object.keys(arrays).sort()
  let length = 0
  const entries = names.map((name): [string, Entry] => {
    const { shape, values } = arrays[name]!
    const dtype = values instanceof Float32Array ? 'F32' : 'I32'
    const from = length
    length += values.byteLength
    return [name, { dtype, shape, data_offsets: [from, length] }]
  })
  // Not by assignment: an array may be called `__proto__`.
  const header = JSON.stringify(Object.fromEntries(entries))
  const text = new TextEncoder().encode(padded(header))
  const bytes = new Uint8Array(8 + text.length + length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  for (const [name, { data_offsets }] of entries) {
    const { values } = arrays[name]!
    const view = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    bytes.set(view, 8 + text.length + data_offsets[0])
  }
  return bytes
}

/** Spaces up to a multiple of eight bytes, so that the numbers are aligned. */
function padded(header: string): string {
  return header.padEnd(header.length + ((8 - (Buffer.byteLength(header) % 8)) % 8))
}

/** @throws RecommenderError RELEASE_CORRUPT when the bytes are not such a file. */
export function decodeArrays(bytes: Uint8Array): NamedArrays {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const start = 8 + Number(view.getBigUint64(0, true))
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))
    return Object.fromEntries(
      Object.entries(header as Record<string, Entry>).map(([name, entry]) => [
        name,
        readEntry(bytes, start, entry)
      ])
    )
  } catch (cause) {
    throw new RecommenderError('RELEASE_CORRUPT', 'a file of arrays cannot be read', { cause })
  }
}

function readEntry(bytes: Uint8Array, start: number, entry: Entry): NamedArray {
  const { dtype, shape, data_offsets } = entry
  const [from, to] = data_offsets
  if (start + to > bytes.length) throw new RangeError('the file ends too early')
  // A copy, aligned; Buffer's own slice would share the memory of the whole file.
  const { buffer } = Uint8Array.from(bytes.subarray(start + from, start + to))
  const values = new arrayOf[dtype](buffer)
  const size = shape.reduce((product, axis) => product * axis, 1)
  if (values.length !== size) throw new RangeError('an array does not fill its shape')
  return { shape, values }
}

const arrayOf = { F32: Float32Array, I32: Int32Array }
