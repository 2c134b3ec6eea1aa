import { gzipSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { mostBatchBytes, mostBatchMessages, mostFetchBytes } from '#shared/messaging/codecs.ts'
import { toKafkaError } from '#shared/messaging/kafka-error.ts'
import { unpackLz4 } from '#shared/messaging/unpack-lz4.ts'
import { unpackSnappy } from '#shared/messaging/unpack-snappy.ts'
import { unpackZstd } from '#shared/messaging/unpack-zstd.ts'
import { packedSquares, squares } from './packed-squares.ts'

const { lz4Linked, lz4Checked, zstd, zstdOfUnknownSize } = packedSquares

/** One literal of four bytes and a copy that overlaps with what it writes: abcdabcdabcd. */
const snappyBlock = Buffer.from([12, 3 << 2, 0x61, 0x62, 0x63, 0x64, (7 << 2) | 2, 4, 0])

describe('unpacking', () => {
  test.each([
    ['LZ4 whose blocks go on from each other', unpackLz4, lz4Linked],
    ['LZ4 with checksums and a size', unpackLz4, lz4Checked],
    ['Zstandard', unpackZstd, zstd],
    ['Zstandard that does not say how large it is', unpackZstd, zstdOfUnknownSize]
  ])('%s gives what was packed, and no more than it may', (_, unpack, text) => {
    const packed = Buffer.from(text, 'base64')

    expect(unpack(packed, squares.length).toString()).toBe(squares)
    expect(() => unpack(packed, squares.length - 1)).toThrow('bytes')
  })

  test('LZ4 takes a block that was not worth packing', () => {
    const packed = Buffer.from('BCJNGGRApwQAAIBhYmNkAAAAAAAAAAA=', 'base64')

    expect(unpackLz4(packed, 4).toString()).toBe('abcd')
    expect(() => unpackLz4(packed, 3)).toThrow('more than 3 bytes')
  })

  test('Snappy takes a bare block, and blocks in the frame of Java', () => {
    const size = Buffer.from([0, 0, 0, snappyBlock.length])
    const head = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY'), Buffer.alloc(9)])
    const frame = Buffer.concat([head, size, snappyBlock, size, snappyBlock])

    expect(unpackSnappy(snappyBlock, 12).toString()).toBe('abcdabcdabcd')
    expect(unpackSnappy(frame, 24).toString()).toBe('abcd'.repeat(6))
    expect(() => unpackSnappy(snappyBlock, 11)).toThrow('more than 11 bytes')
    expect(() => unpackSnappy(frame, 23)).toThrow('more than')
    expect(() => unpackSnappy(frame.subarray(0, -1), 24)).toThrow('cut off')
  })

  test.each([
    ['LZ4', unpackLz4, lz4Checked],
    ['Zstandard', unpackZstd, zstd],
    ['Snappy', unpackSnappy, snappyBlock.toString('base64')]
  ])(
    '%s that is cut off anywhere, or changed, throws or ends: it never runs away',
    (_, unpack, text) => {
      const packed = Buffer.from(text, 'base64')

      for (let length = 0; length < packed.length; length += 1 + Math.floor(packed.length / 200)) {
        expect(() => unpack(packed.subarray(0, length), 1e6)).toThrow()
        const changed = Buffer.from(packed)
        changed[length] = changed[length]! ^ 0x55
        expect(sizeOrFailure(() => unpack(changed, 1e6))).toBeLessThanOrEqual(1e6)
      }
    }
  )

  test('Zstandard that asks for two gigabytes of memory gets none', () => {
    const window = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0, 0, 0])
    const content = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x7f, 0, 0])

    expect(() => unpackZstd(window, mostBatchBytes)).toThrow('asks for')
    expect(() => unpackZstd(content, mostBatchBytes)).toThrow('asks for')
  })
})

describe('what kafkajs unpacks with', () => {
  const gzipped = gzipSync(Buffer.alloc(mostFetchBytes))

  test('stops within a fetch when it has grown too large, but gives each partition its first batch', async () => {
    const [first, second, third, ...others] = layOut([
      [gzipped, gzipped, gzipped],
      [gzipped, gzipped]
    ])

    await expect(unpack(first!)).resolves.toHaveLength(mostFetchBytes)
    await expect(unpack(second!)).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
    await expect(unpack(others[0]!)).resolves.toHaveLength(mostFetchBytes)
    await expect(unpack(others[1]!)).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
    expect(third).toBeDefined()
  })

  test('counts short messages by what they cost, and takes a new fetch afresh', async () => {
    const small = gzipSync('x')
    const messages = mostBatchMessages
    const [first, second] = layOut([[small, small]], messages)
    const [anew] = layOut([[small]], messages)

    await expect(unpack(first!)).resolves.toHaveLength(1)
    await expect(unpack(second!)).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
    await expect(unpack(anew!)).resolves.toHaveLength(1)
  })

  test.each([
    ['broken', Buffer.from('no gzip'), 1],
    ['too large', gzipSync(Buffer.alloc(mostBatchBytes + 1)), 1],
    ['of too many messages', gzipSync('x'), mostBatchMessages + 1]
  ])('says which batch is %s, and that trying again is of no use', async (_, packed, messages) => {
    const [batch] = layOut([[packed]], messages)

    const error = await unpack(batch!).catch(thrown => thrown)

    expect(error).toMatchObject({ code: 'MESSAGES_UNREADABLE', canRetry: false, retriable: false })
    expect(error.message).toContain('a batch that begins at offset 7, packed with gzip')
    const wrapped = new kafkajs.KafkaJSNonRetriableError(error)
    expect(toKafkaError(Object.assign(wrapped, { cause: error }))).toBe(error)
  })
})

function sizeOrFailure(unpack: () => Buffer): number {
  try {
    return unpack().length
  } catch {
    return 0
  }
}

function unpack(packed: Buffer): Promise<Buffer> {
  return kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP]().decompress(packed)
}

/** Partitions with their batches as they lie in the answer to a fetch. @returns the packed parts. */
function layOut(partitions: Buffer[][], messages = 1): Buffer[] {
  const pieces: Buffer[] = []
  const places: [number, number][] = []
  let at = 0
  const lay = (piece: Buffer) => {
    pieces.push(piece)
    at += piece.length
  }
  for (const batches of partitions) {
    lay(Buffer.alloc(42)) // what surrounds a partition
    for (const batch of batches) {
      const head = Buffer.alloc(61)
      head.writeBigInt64BE(7n, 0)
      head.writeInt8(2, 16)
      head.writeInt32BE(messages, 57)
      lay(head)
      places.push([at, at + batch.length])
      lay(batch)
    }
  }
  const answer = Buffer.concat(pieces)
  return places.map(([from, to]) => answer.subarray(from, to))
}
