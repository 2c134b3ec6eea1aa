// The item encoder as a graph: the embedded features of several items in, their vectors out. It
// computes what encodeItems of shared/model does. The table is not part of it: rows are read by
// embedBags of shared/model, in training as in serving.
//
// Axis key: I items, D width, F columns, E width of a table row.
import type { ModelConfig } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { createGraph } from './graph-builder.ts'
import { linear, rmsNorm } from './layers.ts'

/**
 * Inputs: `key` [I, D], zeros for an item whose key was not trained, and `metadata` [I, F * E], which
 * a catalogue without features does not have. Output: `vectors` [I, D].
 *
 * @returns the bytes of an .onnx file.
 */
export function itemGraph(config: ModelConfig, weights: NamedArrays): Uint8Array {
  const { width: D, rowWidth: E, columns: F } = config
  const graph = createGraph('item-encoder')
  const key = graph.input('key', 'float32', ['I', D])
  if (F === 0) graph.output('vectors', key, ['I', D])
  else {
    const metadata = graph.input('metadata', 'float32', ['I', F * E])
    const projected = linear(graph, metadata, weights['items.projection']!)
    const described = rmsNorm(graph, projected, weights['items.norm']!)
    graph.output('vectors', graph.op('Add', [described, key]), ['I', D])
  }
  return graph.encode()
}
