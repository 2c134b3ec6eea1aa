// Unpacks Snappy (github.com/google/snappy, format_description.txt) as it comes in Kafka: Java's clients and
// the brokers put blocks into xerial's frame, other clients send one bare block.
//
//   frame  0x82 S N A P P Y 0, version 4, oldest compatible version 4, blocks: size 4 (big-endian), block
//   block  the length of what comes out (varint), then literals and copies
import { snappyUncompress } from 'hyparquet'

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const frameHeadBytes = 16

/** @throws Error when the input is broken, or more than `mostBytes` would come out. */
export function unpackSnappy(packed: Uint8Array, mostBytes: number): Buffer {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  if (!input.subarray(0, magic.length).equals(magic)) return unpackBlock(input, mostBytes)
  const blocks: Buffer[] = []
  let room = mostBytes
  for (let at = frameHeadBytes; at < input.length; ) {
    const end = at + 4 + input.readUInt32BE(at)
    if (end > input.length) throw new RangeError('a Snappy block is cut off')
    const block = unpackBlock(input.subarray(at + 4, end), room)
    blocks.push(block)
    room -= block.length
    at = end
  }
  return Buffer.concat(blocks)
}

function unpackBlock(block: Buffer, mostBytes: number): Buffer {
  const length = readLength(block)
  if (length > mostBytes) throw new RangeError(`more than ${mostBytes} bytes come out`)
  const output = Buffer.alloc(length)
  snappyUncompress(block, output)
  return output
}

function readLength(block: Buffer): number {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = block.readUInt8(i)
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw new RangeError('a Snappy block has no length')
}
