// Unpacks Zstandard (RFC 8878). Node can do it by itself from 22.15 on; until the oldest version we run on
// can, fzstd does.
import { Decompress } from 'fzstd'

/** As much as zstd itself allows unless told otherwise; its usual levels ask for 8 MB or less. */
const mostWindowBytes = 2 ** 27

/** @throws Error when the input is broken, or more than `mostBytes` would come out. */
export function unpackZstd(packed: Uint8Array, mostBytes: number): Buffer {
  if (memoryBytes(packed) > Math.max(mostBytes, mostWindowBytes)) {
    throw new RangeError(`it asks for more than ${mostWindowBytes} bytes of memory`)
  }
  const blocks: Uint8Array[] = []
  let length = 0
  const stream = new Decompress(block => {
    length += block.length
    if (length > mostBytes) throw new RangeError(`more than ${mostBytes} bytes come out`)
    blocks.push(block)
  })
  stream.push(packed, true)
  return Buffer.concat(blocks, length)
}

/** How much memory the first frame asks for: its window, or its content when it has none. */
function memoryBytes(packed: Uint8Array): number {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const flags = input.readUInt8(4)
  const hasWindow = (flags & 0x20) === 0
  if (hasWindow) {
    const descriptor = input.readUInt8(5)
    const base = 2 ** (10 + (descriptor >> 3))
    return base + (base / 8) * (descriptor & 7)
  }
  const at = 5 + [0, 1, 2, 4][flags & 3]! // behind the dictionary's number
  const sizes = [
    () => input.readUInt8(at),
    () => input.readUInt16LE(at) + 256,
    () => input.readUInt32LE(at),
    () => Number(input.readBigUInt64LE(at))
  ]
  return sizes[flags >> 6]!()
}
