// The session encoder as a graph: the newest clicks of several sessions in, the state after the last
// click of each out. It computes what encodeSessions of shared/model does, less what only training
// needs: of the last block only the positions of the last clicks.
//
// Axis key: B sessions, N clicks of the longest, D width, H heads.
import type { ModelConfig } from '#shared/model/model.ts'
import type { NamedArray, NamedArrays } from '#shared/model/safetensors.ts'
import { createGraph, type GraphBuilder, type Value } from './graph-builder.ts'
import { columnsOf, gelu, linear, rmsNorm, scaledRows, unitRms } from './layers.ts'
import { dataTypes } from './onnx-format.ts'

/**
 * Inputs: `clicks` [B, N, D] item vectors, `types` and `gaps` [B, N] int32, all padded on the right
 * with zeros, and `last` [B, 1] int32, the place of each session's last click. Output: `states` [B, D].
 *
 * @returns the bytes of an .onnx file.
 */
export function sessionGraph(config: ModelConfig, weights: NamedArrays): Uint8Array {
  const graph = createGraph('session-encoder')
  const clicks = graph.input('clicks', 'float32', ['B', 'N', config.width])
  const types = graph.input('types', 'int32', ['B', 'N'])
  const gaps = graph.input('gaps', 'int32', ['B', 'N'])
  const last = graph.op('Cast', [graph.input('last', 'int32', ['B', 1])], { to: dataTypes.int64 })
  const length = graph.op('Shape', [types], { start: 1, end: 2 }) // [1] N

  const scale = graph.scalar(config.width ** 0.5)
  const parts = [
    graph.op('Gather', [graph.weight(weights['session.types']!), types]),
    graph.op('Gather', [graph.weight(weights['session.gaps']!), gaps]),
    firstRows(graph, graph.weight(weights['session.positions']!), length)
  ]
  const start = graph.op('Mul', [clicks, scale]) // [B, N, D]
  let x = parts.reduce((sum, part) => graph.op('Add', [sum, part]), start)
  for (let block = 0; block < config.blocks; block++) {
    const isLast = block === config.blocks - 1 && !readsAll(config)
    const input: BlockInput = { x, length, ...(isLast && { last }) }
    x = transformerBlock(graph, config, partOf(weights, `block${block}`), input)
  }
  const ends = readsAll(config)
    ? pooled(graph, config, weights['session.query'], { x, length, last })
    : config.blocks > 0
      ? x
      : lastRows(graph, x, last) // [B, 1, D]
  const states = rmsNorm(graph, ends, weights['session.norm']!)
  graph.output('states', graph.op('Squeeze', [states, graph.integers(1)]), ['B', config.width])
  return graph.encode()
}

interface BlockInput {
  /** [B, N, D] */
  readonly x: Value
  /** [1] N */
  readonly length: Value
  /** [B, 1] where given, only these positions come out. */
  readonly last?: Value
}

/** @returns [B, N, D], or [B, 1, D] at `last`. */
function transformerBlock(
  graph: GraphBuilder,
  config: ModelConfig,
  part: (name: string) => NamedArray,
  { x, length, last }: BlockInput
): Value {
  const asked = last ? lastRows(graph, x, last) : x
  const unit = unitRms(graph, x)
  const unitAsked = last ? lastRows(graph, unit, last) : unit
  const { width: D, heads: H } = config
  const projection = scaledRows(part('attention.projection'), part('attention.norm'))
  const heads = (value: Value, from: number, factor: number, order: readonly number[]) => {
    const projected = linear(graph, value, columnsOf(projection, from, from + D, factor))
    const split = graph.op('Reshape', [projected, graph.integers(0, 0, H, D / H)])
    return graph.op('Transpose', [split], { perm: order })
  }
  const query = heads(unitAsked, 0, (D / H) ** -0.5, [0, 2, 1, 3]) // [B, H, N or 1, D / H]
  const key = heads(unit, D, 1, [0, 2, 3, 1]) // [B, H, D / H, N]
  const value = heads(unit, 2 * D, 1, [0, 2, 1, 3]) // [B, H, N, D / H]
  const bias = attentionBias(graph, config, part('attention.distance'), { length, last })
  const scores = graph.op('Add', [graph.op('MatMul', [query, key]), bias])
  const attention = graph.op('Softmax', [scores], { axis: -1 })
  const mixed = graph.op('Transpose', [graph.op('MatMul', [attention, value])], {
    perm: [0, 2, 1, 3]
  })
  const joined = graph.op('Reshape', [mixed, graph.integers(0, 0, D)])
  const attended = graph.op('Add', [asked, linear(graph, joined, part('attention.output'))])
  const up = scaledRows(part('feedforward.up'), part('feedforward.norm'))
  const inner = linear(graph, unitRms(graph, attended), up, part('feedforward.upBias'))
  const outer = linear(
    graph,
    gelu(graph, inner),
    part('feedforward.down'),
    part('feedforward.downBias')
  )
  return graph.op('Add', [attended, outer])
}

/**
 * What attention adds for looking back: [H, N, N] as weights, with -1e9 towards later clicks, which
 * also keeps the padding out. Of `last` positions only: [B, H, 1, N].
 */
function attentionBias(
  graph: GraphBuilder,
  { maxLength, heads }: ModelConfig,
  distances: NamedArray,
  { length, last }: Pick<BlockInput, 'length'> & { readonly last: Value | undefined }
): Value {
  const farthest = distances.shape[0]! - 1
  const at = (from: number, to: number, head: number) =>
    to > from ? -1e9 : distances.values[Math.min(from - to, farthest) * heads + head]!
  const values = new Float32Array(maxLength * heads * maxLength)
  const bias = (shape: readonly number[]) => graph.weight({ shape, values })
  const zero = graph.integers(0)
  if (last) {
    for (let i = 0; i < values.length; i++) {
      const [from, head] = [Math.floor(i / maxLength / heads), Math.floor(i / maxLength) % heads]
      values[i] = at(from, i % maxLength, head)
    }
    const rows = graph.op('Gather', [bias([maxLength, heads, 1, maxLength]), squeezed(graph, last)])
    return graph.op('Slice', [rows, zero, length, graph.integers(3)])
  }
  for (let i = 0; i < values.length; i++) {
    const [head, from] = [Math.floor(i / maxLength / maxLength), Math.floor(i / maxLength)]
    values[i] = at(from % maxLength, i % maxLength, head)
  }
  const rows = graph.op('Slice', [
    bias([heads, maxLength, maxLength]),
    zero,
    length,
    graph.integers(1)
  ])
  return graph.op('Slice', [rows, zero, length, graph.integers(2)])
}

/** Whether the state is an average over all clicks. */
function readsAll({ pooling }: ModelConfig): boolean {
  return pooling !== undefined && pooling !== 'last'
}

/** The average of the rows up to `last`, even or by how much each answers the query. @returns [B, 1, D]. */
function pooled(
  graph: GraphBuilder,
  { width, maxLength }: ModelConfig,
  query: NamedArray | undefined,
  { x, length, last }: Required<BlockInput>
): Value {
  const future = Float32Array.from({ length: maxLength ** 2 }, (_, i) =>
    i % maxLength > Math.floor(i / maxLength) ? -1e9 : 0
  )
  const mask = graph.weight({ shape: [maxLength, maxLength], values: future })
  const rows = graph.op('Gather', [mask, last]) // [B, 1, longest]
  const bias = graph.op('Slice', [rows, graph.integers(0), length, graph.integers(2)]) // [B, 1, N]
  const shares = graph.op('Softmax', [query ? answered(query) : bias], { axis: -1 })
  return graph.op('MatMul', [shares, x])

  function answered({ values }: NamedArray): Value {
    const scaled = Float32Array.from(values, value => value * width ** -0.5)
    const scores = graph.op('MatMul', [x, graph.weight({ shape: [width, 1], values: scaled })])
    return graph.op('Add', [graph.op('Transpose', [scores], { perm: [0, 2, 1] }), bias])
  }
}

function squeezed(graph: GraphBuilder, last: Value): Value {
  return graph.op('Squeeze', [last, graph.integers(1)])
}

function firstRows(graph: GraphBuilder, matrix: Value, length: Value): Value {
  return graph.op('Slice', [matrix, graph.integers(0), length, graph.integers(0)])
}

/** Of each session's rows [B, N, D] the one at `last`. @returns [B, 1, D]. */
function lastRows(graph: GraphBuilder, x: Value, last: Value): Value {
  const rows = graph.op('GatherND', [x, last], { batch_dims: 1 }) // [B, D]
  return graph.op('Unsqueeze', [rows, graph.integers(1)])
}

function partOf(weights: NamedArrays, block: string): (name: string) => NamedArray {
  return name => weights[`${block}.${name}`]!
}
