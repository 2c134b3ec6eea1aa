// The layers of shared/model/layers.ts as operations of a graph. Where two steps are one product of
// weights (a norm's scale before a linear layer, the scale of attention), they are multiplied here,
// once, and not at each request.
import type { NamedArray } from '#shared/model/safetensors.ts'
import type { GraphBuilder, Value } from './graph-builder.ts'

/** x / rms(x) over the last axis; its scale is left to what comes after. */
export function unitRms(graph: GraphBuilder, x: Value): Value {
  const square = graph.op('Mul', [x, x])
  const mean = graph.op('ReduceMean', [square, graph.integers(-1)], { keepdims: 1 })
  const root = graph.op('Sqrt', [graph.op('Add', [mean, graph.scalar(1e-6)])])
  return graph.op('Div', [x, root])
}

export function rmsNorm(graph: GraphBuilder, x: Value, scale: NamedArray): Value {
  return graph.op('Mul', [unitRms(graph, x), graph.weight(scale)])
}

/** x * sigmoid(1.702 x). */
export function gelu(graph: GraphBuilder, x: Value): Value {
  const gate = graph.op('Sigmoid', [graph.op('Mul', [x, graph.scalar(1.702)])])
  return graph.op('Mul', [x, gate])
}

/** x W + b over the last axis. */
export function linear(
  graph: GraphBuilder,
  x: Value,
  weight: NamedArray,
  bias?: NamedArray
): Value {
  const product = graph.op('MatMul', [x, graph.weight(weight)])
  return bias ? graph.op('Add', [product, graph.weight(bias)]) : product
}

/** diag(scale) W: a linear layer [I, O] after a norm, in one. */
export function scaledRows(weight: NamedArray, scale: NamedArray): NamedArray {
  const columns = weight.shape[1]!
  const values = Float32Array.from(
    weight.values,
    (value, i) => value * scale.values[Math.floor(i / columns)]!
  )
  return { shape: weight.shape, values }
}

/** Columns `from` to `to` of a matrix, times a factor. */
export function columnsOf(
  { shape, values }: NamedArray,
  from: number,
  to: number,
  factor = 1
): NamedArray {
  const [rows, columns] = shape as [number, number]
  const width = to - from
  const part = Float32Array.from(
    { length: rows * width },
    (_, i) => factor * values[Math.floor(i / width) * columns + from + (i % width)]!
  )
  return { shape: [rows, width], values: part }
}
