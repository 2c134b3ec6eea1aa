// Unpacks LZ4 frames (github.com/lz4/lz4, doc/lz4_Frame_format.md and lz4_Block_format.md), the form in
// which Kafka packs messages. Written here because the packages there are have had no release for years, or are
// native.
//
//   frame     magic 4, flags 1, block size 1, [content size 8], [dictionary 4], header checksum 1, blocks
//   block     size 4 (highest bit: not packed; 0: the end), bytes, [checksum 4]
//   sequence  token 1 (literals: high half, match: low half), [literals +], literals, distance 2, [match +]
//
// Checksums are passed over: TCP has one, and Kafka's own is not looked at by kafkajs either.

const magic = 0x184d2204
const notPacked = 0x80000000
const shortestMatch = 4
/** A length of fifteen in the token goes on in the bytes behind it. */
const goesOn = 15

/** @throws RangeError when the input is broken, or more than `mostBytes` would come out. */
export function unpackLz4(packed: Uint8Array, mostBytes: number): Buffer {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  if (input.readUInt32LE(0) !== magic) throw new RangeError('it is no LZ4 frame')
  const flags = input.readUInt8(4)
  const hasBlockChecksums = (flags & 0x10) !== 0
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0)
  const output = new Output(mostBytes)
  for (;;) {
    const size = input.readUInt32LE(at)
    at += 4
    if (size === 0) return output.bytes()
    const end = at + (size & ~notPacked)
    if (end > input.length) throw new RangeError('an LZ4 block is cut off')
    const block = input.subarray(at, end)
    if (size >= notPacked) output.append(block, 0, block.length)
    else unpackBlock(block, output)
    at = end + (hasBlockChecksums ? 4 : 0)
  }
}

function unpackBlock(block: Buffer, output: Output): void {
  let at = 0
  const readLength = (start: number) => {
    if (start < goesOn) return start
    let length = start
    for (;;) {
      const byte = block.readUInt8(at++)
      length += byte
      if (byte < 255) return length
    }
  }
  while (at < block.length) {
    const token = block.readUInt8(at++)
    const literals = readLength(token >> 4)
    if (at + literals > block.length) throw new RangeError('LZ4 literals are cut off')
    output.append(block, at, at + literals)
    at += literals
    if (at === block.length) return // the last sequence has literals alone
    const distance = block.readUInt16LE(at)
    at += 2
    output.repeat(distance, readLength(token & 15) + shortestMatch)
  }
}

/** Bytes that grow, up to a limit, and can repeat what they end with. */
class Output {
  readonly #mostBytes: number
  #buffer = Buffer.allocUnsafe(64 * 1024)
  #length = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** A few bytes are copied sooner than it is said which. */
  append(bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from)
    const [buffer, start] = [this.#buffer, this.#length - from]
    if (to - from > 32) bytes.copy(buffer, this.#length, from, to)
    else for (let i = from; i < to; i++) buffer[start + i] = bytes[i]!
    this.#length += to - from
  }

  /** What is repeated may overlap with what comes out: byte by byte then. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#length) {
      throw new RangeError('an LZ4 match begins before its frame')
    }
    this.#reserve(length)
    const [from, to, buffer] = [this.#length - distance, this.#length, this.#buffer]
    if (distance >= length && length > 32) buffer.copyWithin(to, from, from + length)
    else for (let i = 0; i < length; i++) buffer[to + i] = buffer[from + i]!
    this.#length += length
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    const wanted = this.#length + more
    if (wanted > this.#mostBytes)
      throw new RangeError(`more than ${this.#mostBytes} bytes come out`)
    if (wanted <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(
      Math.min(this.#mostBytes, Math.max(wanted, 2 * this.#buffer.length))
    )
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}
