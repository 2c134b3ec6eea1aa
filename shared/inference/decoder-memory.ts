// What the token decoder reads, in one block of memory that all threads share: a release is there
// once, however many threads answer with it. All numbers are float32, row-major:
//
//   vectors     [items, D]               an item is its vector, and so is its leaf; see item-vectors.ts
//   moments     [inner nodes, 2 + Q, D]  mean, diagonal and Q directions: a row of the kernel
//   nodeParts   [inner nodes, D]         what the correction reads of each node, W_n mean + b_level
//   logCounts   [inner nodes]
//   session     [D, D]                   by column, so that each number of a product is one dot
//   output      [D, D]                   the same
//   scratch     [seats, scratch]         where a thread works; each has its own seat
//
// There may be more rows of items and of inner nodes than the release has: room for what comes later.
// Memory that nobody has written to takes addresses, not bytes.
import type { NodeMoments } from './node-moments.ts'

/** Sent to another thread, nothing of it is copied. */
export interface DecoderMemory {
  readonly memory: WebAssembly.Memory
  /** D */
  readonly width: number
  /** Q */
  readonly rank: number
  /** Rows of inner nodes, room for more included. */
  readonly innerNodes: number
  /** Rows of items, room for more included. */
  readonly items: number
  /** Threads that can work on it at once. */
  readonly seats: number
}

/** Children scored by one call of the kernel; nodes with more take several. */
export const childrenPerCall = 4096
const pageBytes = 65_536
const floatBytes = 4

/** Places in a DecoderMemory, in bytes. */
export interface DecoderPlaces {
  readonly vectors: number
  readonly moments: number
  readonly nodeParts: number
  readonly logCounts: number
  readonly session: number
  readonly output: number
  /** Of one seat: [D] each, `hidden` up to whole fours. */
  readonly state: number
  readonly squares: number
  readonly hidden: number
  readonly ownSession: number
  readonly sessionPart: number
  /** Of one seat: [childrenPerCall] each. */
  readonly indices: number
  readonly scores: number
  readonly end: number
}

type Shape = Omit<DecoderMemory, 'memory' | 'seats'>

/** Memory of zeros. */
export function allocateDecoder(shape: Shape, seats: number): DecoderMemory {
  const { end } = decoderPlaces(shape, seats - 1)
  const pages = Math.ceil(end / pageBytes)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  return { ...shape, seats, memory }
}

export function decoderPlaces(
  { width: D, rank, innerNodes, items }: Shape,
  seat: number
): DecoderPlaces {
  let end = 0
  const take = (count: number) => {
    end += count * floatBytes
    return end - count * floatBytes
  }
  const shared = {
    vectors: take(items * D),
    moments: take(innerNodes * (2 + rank) * D),
    nodeParts: take(innerNodes * D),
    logCounts: take(innerNodes),
    session: take(D * D),
    output: take(D * D)
  }
  const wholeFours = 4 * Math.ceil(D / 4)
  take(seat * (4 * D + wholeFours + 2 * childrenPerCall))
  const own = {
    state: take(D),
    squares: take(D),
    hidden: take(wholeFours),
    ownSession: take(D),
    sessionPart: take(D),
    indices: take(childrenPerCall),
    scores: take(childrenPerCall)
  }
  return { ...shared, ...own, end }
}

/** Numbers at a place, to read or write. */
export function floatsAt({ memory }: DecoderMemory, place: number, count: number): Float32Array {
  return new Float32Array(memory.buffer, place, count)
}

/** Copies the moments of a trie's inner nodes to where the kernel reads them, node by node. */
export function writeMoments(decoder: DecoderMemory, moments: NodeMoments, nodes: number): void {
  const { width: D, rank } = decoder
  const places = decoderPlaces(decoder, 0)
  const rows = floatsAt(decoder, places.moments, nodes * (2 + rank) * D)
  for (let node = 0; node < nodes; node++) {
    const start = node * (2 + rank) * D
    rows.set(moments.means.subarray(node * D, (node + 1) * D), start)
    rows.set(moments.diagonals.subarray(node * D, (node + 1) * D), start + D)
    const directions = moments.directions.subarray(node * rank * D, (node + 1) * rank * D)
    rows.set(directions, start + 2 * D)
  }
  floatsAt(decoder, places.logCounts, nodes).set(moments.logCounts.subarray(0, nodes))
}
