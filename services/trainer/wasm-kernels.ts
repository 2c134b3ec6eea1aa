// What TF.js's WebAssembly backend (4.22) lacks for training. The sum by segment, the gradient of a
// look-up, is missing; products with a transposed factor and gathered rows run through naive loops.
// Measured on one step of the session model, two cores, 2026-11: 1,340 ms as shipped, 190 ms with these.
import * as tf from '@tensorflow/tfjs-core'

/** The parts of the backend that reach its memory without copying. */
interface WasmBackend extends tf.KernelBackend {
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo
}
type Kernel = NonNullable<ReturnType<typeof tf.getKernel>>['kernelFunc']
type Parameters = Parameters_<Kernel>
type Parameters_<F> = F extends (parameters: infer P) => unknown ? P : never

/** Registers the kernels. Call once, after the backend is ready. */
export function registerWasmKernels(): void {
  replaceKernel('BatchMatMul', transposeFirst)
  replaceKernel('GatherV2', copyRows)
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: sumSegments
  })
}

function replaceKernel(kernelName: string, wrap: (original: Kernel) => Kernel): void {
  const original = tf.getKernel(kernelName, 'wasm')!.kernelFunc
  tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: wrap(original) })
}

/** Transposes a large factor first, since only plain products of two matrices reach the fast path. */
function transposeFirst(original: Kernel): Kernel {
  return parameters => {
    const { a, b } = parameters.inputs as { a: tf.TensorInfo; b: tf.TensorInfo }
    const attrs = parameters.attrs as unknown as { transposeA: boolean; transposeB: boolean }
    const isOneProduct = [a, b].every(({ shape }) => shape.slice(0, -2).every(axis => axis === 1))
    if (!isOneProduct || !(attrs.transposeA || attrs.transposeB)) return original(parameters)
    const left = attrs.transposeA ? transposed(a) : a
    const right = attrs.transposeB ? transposed(b) : b
    const plain = { ...parameters.attrs, transposeA: false, transposeB: false }
    const product = original({ ...parameters, inputs: { a: left, b: right }, attrs: plain })
    for (const made of [left, right]) {
      if (made !== a && made !== b) tf.backend().disposeData(made.dataId)
    }
    return product
  }

  function transposed(matrix: tf.TensorInfo): tf.TensorInfo {
    const [rows, columns] = matrix.shape.slice(-2) as [number, number]
    const backend = tf.backend() as WasmBackend
    const result = backend.makeOutput([...matrix.shape.slice(0, -2), columns, rows], matrix.dtype)
    const from = backend.typedArrayFromHeap(matrix)
    const to = backend.typedArrayFromHeap(result)
    for (let row = 0, i = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, i++) to[column * rows + row] = from[i]!
    }
    return result
  }
}

/** Copies whole rows when gathering along the first axis. */
function copyRows(original: Kernel): Kernel {
  return parameters => {
    const { x, indices } = parameters.inputs as { x: tf.TensorInfo; indices: tf.TensorInfo }
    const { axis, batchDims } = parameters.attrs as unknown as { axis: number; batchDims: number }
    if (axis !== 0 || batchDims !== 0 || x.dtype !== 'float32') return original(parameters)
    const backend = tf.backend() as WasmBackend
    const result = backend.makeOutput([...indices.shape, ...x.shape.slice(1)], x.dtype)
    const [from, rows, to] = [x, indices, result].map(t => backend.typedArrayFromHeap(t))
    const width = x.shape.slice(1).reduce((product, axis) => product * axis, 1)
    rows!.forEach((row, i) => {
      to!.set(from!.subarray(row * width, (row + 1) * width), i * width)
    })
    return result
  }
}

/** Sums rows by segment; rows of a negative segment are dropped, as TensorFlow does. */
function sumSegments({ inputs, attrs }: Parameters): tf.TensorInfo {
  const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo }
  const { numSegments } = attrs as unknown as { numSegments: number }
  const backend = tf.backend() as WasmBackend
  const tail = x.shape.slice(segmentIds.shape.length)
  const result = backend.makeOutput([numSegments, ...tail], x.dtype)
  const [values, segments, sums] = [x, segmentIds, result].map(t => backend.typedArrayFromHeap(t))
  const width = tail.reduce((product, axis) => product * axis, 1)
  sums!.fill(0)
  segments!.forEach((segment, row) => {
    if (segment < 0) return
    for (let i = 0; i < width; i++) sums![segment * width + i]! += values![row * width + i]!
  })
  return result
}
