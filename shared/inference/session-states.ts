// The session encoder at serving time: the newest clicks of several sessions in, the state after the
// last click of each out, by the graph that the trainer wrote.
//
// States are not kept between the clicks of a session. Measured (64 numbers, two blocks, one core of
// a busy machine, 2026-11): a session of 1 click takes 130 to 180 µs, one of 20 takes 150 µs, since
// most of it is the price of starting seventy operations. A cache of what earlier clicks computed
// could save the difference of 20 µs, and would tie a visitor to a process; sessions side by side
// share the price, 16 of them take 25 to 55 µs each.
import { type OpenGraph, openGraph } from '#shared/graphs/open-graph.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import { type ItemVectors, rowsByNumber } from './item-vectors.ts'
import type { EncoderInput } from './session-encoder.ts'

export interface SessionGraph {
  readonly config: ModelConfig
  /**
   * @param inputs none of them empty, none longer than config.maxLength.
   * @returns for each its state [D].
   */
  encode(inputs: readonly EncoderInput[]): Promise<Float32Array[]>
  close(): Promise<void>
}

/**
 * @throws RecommenderError RELEASE_CORRUPT when the bytes are not a graph.
 */
export async function openSessionGraph(
  config: ModelConfig,
  bytes: Uint8Array,
  vectors: ItemVectors
): Promise<SessionGraph> {
  const graph = await openGraph('session-encoder.onnx', bytes)
  return {
    config,
    encode: inputs => encode({ graph, width: config.width, ...vectors }, inputs),
    close: graph.close
  }
}

interface Encoding extends ItemVectors {
  readonly graph: OpenGraph
  readonly width: number
}

async function encode(
  { graph, width: D, vectors, vectorRows = rowsByNumber }: Encoding,
  inputs: readonly EncoderInput[]
): Promise<Float32Array[]> {
  if (inputs.length === 0) return []
  const [B, N] = [inputs.length, Math.max(...inputs.map(({ items }) => items.length))]
  const clicks = new Float32Array(B * N * D)
  const [types, gaps] = [new Int32Array(B * N), new Int32Array(B * N)]
  inputs.forEach((input, b) => {
    types.set(input.types, b * N)
    gaps.set(input.gaps, b * N)
    input.items.forEach((item, n) => {
      const row = vectorRows.of(item)
      clicks.set(vectors.subarray(row * D, (row + 1) * D), (b * N + n) * D)
    })
  })
  const states = await graph.run({
    clicks: { shape: [B, N, D], values: clicks },
    types: { shape: [B, N], values: types },
    gaps: { shape: [B, N], values: gaps },
    last: { shape: [B, 1], values: Int32Array.from(inputs, ({ items }) => items.length - 1) }
  })
  return inputs.map((_, b) => states.subarray(b * D, (b + 1) * D))
}
