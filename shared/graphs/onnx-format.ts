// The part of the ONNX file format that our graphs need: messages and field numbers as in onnx.proto
// of the ONNX project (IR version 10), written as the descriptor that protobufjs reads.
import protobuf from 'protobufjs/light.js'

/** Version of the file format; ONNX Runtime 1.18 and later read it. */
const irVersion = 10
/** Version of the operators: the first in which ScatterND adds and ReduceMean takes its axes as input. */
const operatorSet = 18

export const dataTypes = { float32: 1, int32: 6, int64: 7 } as const
export type DataType = keyof typeof dataTypes

/** Values of AttributeProto.type. */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const

export interface NodeMessage {
  readonly opType: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly object[]
}

export interface TensorMessage {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
  readonly rawData: Uint8Array
}

/** An input or output; a text in `shape` names an axis whose length is known when the graph runs. */
export interface ValueMessage {
  readonly name: string
  readonly type: DataType
  readonly shape: readonly (number | string)[]
}

export interface GraphMessage {
  readonly name: string
  readonly nodes: readonly NodeMessage[]
  readonly weights: readonly TensorMessage[]
  readonly inputs: readonly ValueMessage[]
  readonly outputs: readonly ValueMessage[]
}

/** The bytes of an .onnx file. */
export function encodeGraph({ name, nodes, weights, inputs, outputs }: GraphMessage): Uint8Array {
  const model = modelType.fromObject({
    irVersion,
    producerName: 'nextrie',
    opsetImport: [{ domain: '', version: operatorSet }],
    graph: {
      name,
      node: nodes,
      initializer: weights,
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo)
    }
  })
  return Uint8Array.from(modelType.encode(model).finish())
}

function valueInfo({ name, type, shape }: ValueMessage): object {
  const dim = shape.map(axis =>
    typeof axis === 'number' ? { dimValue: axis } : { dimParam: axis }
  )
  return { name, type: { tensorType: { elemType: dataTypes[type], shape: { dim } } } }
}

const modelType = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 }
      }
    },
    OperatorSet: {
      fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } }
    },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 }
      }
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 }
      }
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        type: { type: 'int32', id: 20 }
      }
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 }
      }
    },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: {
      fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } }
    },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: {
      fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } }
    }
  }
}).lookupType('Model')
