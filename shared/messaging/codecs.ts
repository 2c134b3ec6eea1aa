// Unpacks what producers and brokers have packed: gzip, Snappy, LZ4 and Zstandard. kafkajs brings gzip
// alone, without a limit; importing this file gives it all four, for every client in the process. We send
// unpacked, so only gzip packs, which kafkajs would do by itself.
//
// Memory. What is fetched is limited in bytes as they are sent, and a packed byte may become a thousand.
// So there are two limits more:
//
//   one batch   what a producer packed together; kafkajs can take it only as a whole. One that is larger
//               than `mostBatchBytes`, or that kafkajs cannot hold, ends the client with MESSAGES_UNREADABLE:
//               to skip it would be to lose messages, to try it again would change nothing.
//   one fetch   when its batches have grown to `mostFetchBytes`, of each partition only its first is still
//               unpacked, so that each makes headway. kafkajs is told that the rest has not come whole, as
//               the end of a fetch often has not, and fetches it again.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import kafkajs, { type CompressionTypes } from 'kafkajs'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { unpackLz4 } from './unpack-lz4.ts'
import { unpackSnappy } from './unpack-snappy.ts'
import { unpackZstd } from './unpack-zstd.ts'

/** A broker takes a megabyte, packed: what becomes more than this is no accident. */
export const mostBatchBytes = 64 * 2 ** 20
/** kafkajs hands a batch's messages to one call as arguments, of which Node takes some 120,000. */
export const mostBatchMessages = 100_000
/** Of what a fetch becomes, messages weighed with what they cost beside their bytes. */
export const mostFetchBytes = 32 * 2 ** 20
/** What a message costs in kafkajs and here, beside its bytes: objects, buffers, texts. */
const messageBytes = 500

type Unpack = (packed: Buffer, mostBytes: number) => Buffer | Promise<Buffer>

const unpackGzip: Unpack = (packed, maxOutputLength) =>
  promisify(gunzip)(packed, { maxOutputLength })

/** Node does not find these two among the exports of kafkajs by their names. */
const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs

register(types.GZIP, 'gzip', unpackGzip, bytes => promisify(gzip)(bytes))
register(types.Snappy, 'Snappy', unpackSnappy)
register(types.LZ4, 'LZ4', unpackLz4)
register(types.ZSTD, 'Zstandard', unpackZstd)

function register(
  type: Exclude<CompressionTypes, CompressionTypes.None>,
  name: string,
  unpack: Unpack,
  pack: (bytes: Buffer) => Promise<Buffer> = () => Promise.reject(cannotPack(name))
): void {
  const codec = {
    compress: ({ buffer }: { readonly buffer: Buffer }) => pack(buffer),
    decompress: (packed: Buffer) => unpackWithin(packed, name, unpack)
  }
  codecs[type] = () => codec
}

/** What has become of one answer to a fetch, whose partitions and batches lie in it one behind the other. */
interface Fetched {
  bytes: number
  /** Where the batch ends that was unpacked last. */
  end: number
}

const fetches = new WeakMap<ArrayBufferLike, Fetched>()

async function unpackWithin(packed: Buffer, name: string, unpack: Unpack): Promise<Buffer> {
  const head = headOf(packed)
  const fetched = fetches.get(packed.buffer) ?? { bytes: 0, end: -1 }
  const isFirst = packed.byteOffset - headBytes !== fetched.end
  if (!isFirst && fetched.bytes > mostFetchBytes) throw notWhole()
  if (head.messages > mostBatchMessages) {
    throw unreadable(name, head, `it has ${head.messages} messages, more than ${mostBatchMessages}`)
  }
  try {
    const bytes = await unpack(packed, mostBatchBytes)
    fetched.bytes += bytes.length + head.messages * messageBytes
    fetched.end = packed.byteOffset + packed.length
    fetches.set(packed.buffer, fetched)
    return bytes
  } catch (error) {
    throw unreadable(name, head, (error as Error).message)
  }
}

interface BatchHead {
  readonly offset: bigint | undefined
  readonly messages: number
}

/**
 * The head of a batch, which lies in memory right before what is packed of it: first offset 8, length 4,
 * leader epoch 4, version 1, …, messages 4 (kafka.apache.org/documentation/#recordbatch). Before version 2,
 * which Kafka 4 no longer writes, it was another one.
 */
function headOf(packed: Buffer): BatchHead {
  const isWhole = packed.byteOffset >= headBytes
  const head = Buffer.from(packed.buffer, isWhole ? packed.byteOffset - headBytes : 0, headBytes)
  if (!isWhole || head.readInt8(16) !== 2) return { offset: undefined, messages: 0 }
  return { offset: head.readBigInt64BE(0), messages: head.readInt32BE(headBytes - 4) }
}

const headBytes = 61

/** By this name kafkajs knows a batch of which a part has not come. */
function notWhole(): Error {
  return Object.assign(new Error('as much is unpacked as may be'), {
    name: 'KafkaJSPartialMessageError'
  })
}

/** `retriable` tells kafkajs not to try again. Without a cause: kafkajs would hand on that one instead. */
function unreadable(name: string, { offset }: BatchHead, why: string): Error {
  const place = offset === undefined ? '' : ` that begins at offset ${offset}`
  const message = `a batch${place}, packed with ${name}, cannot be unpacked: ${why}; services/ingestion/README.md says what to do`
  return Object.assign(new RecommenderError('MESSAGES_UNREADABLE', message), { retriable: false })
}

function cannotPack(name: string): RecommenderError {
  return new RecommenderError(
    'ARGUMENT_INVALID',
    `${name} is only unpacked here; send with gzip or unpacked`
  )
}
