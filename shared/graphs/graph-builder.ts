// Writes an ONNX graph one operation at a time. A value of the graph is a name; each operation makes
// a new one.
import type { NamedArray } from '#shared/model/safetensors.ts'
import {
  attributeTypes,
  type DataType,
  dataTypes,
  encodeGraph,
  type NodeMessage,
  type TensorMessage,
  type ValueMessage
} from './onnx-format.ts'

/** Something that is computed, given or fixed in the graph. */
export type Value = string

export type Attributes = Readonly<Record<string, number | string | readonly number[]>>

export interface GraphBuilder {
  /** @param shape a text names an axis that is known when the graph runs. */
  input(name: string, type: DataType, shape: readonly (number | string)[]): Value
  /** A weight, stored in the graph. */
  weight(array: NamedArray): Value
  /** Whole numbers [n] int64: what ONNX takes shapes, axes and places as. */
  integers(...values: readonly number[]): Value
  scalar(value: number): Value
  /** One operation of the ONNX standard with one result. */
  op(type: string, inputs: readonly Value[], attributes?: Attributes): Value
  /** An operation with several results. */
  split(value: Value, axis: number, sizes: readonly number[]): Value[]
  output(name: string, value: Value, shape: readonly (number | string)[]): void
  /** The bytes of an .onnx file. */
  encode(): Uint8Array
}

export function createGraph(name: string): GraphBuilder {
  const nodes: NodeMessage[] = []
  const weights: TensorMessage[] = []
  const inputs: ValueMessage[] = []
  const outputs: ValueMessage[] = []
  let values = 0
  const fresh = () => `v${values++}`

  const addNode = (
    opType: string,
    input: readonly Value[],
    output: readonly Value[],
    attributes: Attributes = {}
  ) => {
    nodes.push({ opType, input, output, attribute: Object.entries(attributes).map(attribute) })
  }
  const addTensor = (dataType: DataType, dims: readonly number[], values: ArrayBufferView) => {
    const name = fresh()
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    weights.push({ name, dims, dataType: dataTypes[dataType], rawData })
    return name
  }

  return {
    input(name, type, shape) {
      inputs.push({ name, type, shape })
      return name
    },
    weight: ({ shape, values }) =>
      addTensor(values instanceof Float32Array ? 'float32' : 'int32', shape, values),
    integers: (...values) =>
      addTensor('int64', [values.length], BigInt64Array.from(values, BigInt)),
    scalar: value => addTensor('float32', [], Float32Array.of(value)),
    op(type, input, attributes) {
      const result = fresh()
      addNode(type, input, [result], attributes)
      return result
    },
    split(value, axis, sizes) {
      const results = sizes.map(fresh)
      const lengths = addTensor('int64', [sizes.length], BigInt64Array.from(sizes, BigInt))
      addNode('Split', [value, lengths], results, { axis })
      return results
    },
    output(name, value, shape) {
      addNode('Identity', [value], [name])
      outputs.push({ name, type: 'float32', shape })
    },
    encode: () => encodeGraph({ name, nodes, weights, inputs, outputs })
  }
}

/** A whole number becomes an int: all numbers of the attributes that we use are. */
function attribute([name, value]: [string, number | string | readonly number[]]): object {
  if (typeof value === 'string') {
    return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) }
  }
  return typeof value === 'number'
    ? { name, type: attributeTypes.int, i: value }
    : { name, type: attributeTypes.ints, ints: value }
}
