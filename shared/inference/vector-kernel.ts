// Products of a vector with many rows of a matrix, four numbers at a time: where a search under the
// trie spends its time. It works in place on memory that all threads share.
//
// Measured for a beam of 20 over 1,000,000 items of 64 numbers (three levels of 100 codes; one core;
// 2026-11): plain loops took 3.6 ms a request; a graph of ONNX Runtime, which first copies the rows
// that it reads, .61 ms for one level, and needs a copy of the vectors in each thread, since it refuses
// shared memory; README.md has what this takes.
import {
  add,
  addFloats,
  addFours,
  and,
  type Code,
  call,
  float,
  get,
  isBelow,
  lane,
  loadFloat,
  loadFour,
  loadWhole,
  set,
  storeFloat,
  times,
  timesFloats,
  timesFours,
  wasmModule,
  whileTrue,
  whole
} from '#shared/runtime/wasm-writer.ts'

/** All places are bytes from the start of the memory; `bytes` is the length of a row. */
export interface VectorKernel {
  /** out[c] = vector . row, where row c begins at rows + indices[c] * stride. */
  dots(
    vector: number,
    rows: number,
    stride: number,
    bytes: number,
    indices: number,
    count: number,
    out: number
  ): void
  /**
   * out[c] = vector . mean + 1/2 (squares . diagonal + sum of (vector . direction)^2), where mean,
   * diagonal and then the directions stand one after the other from rows + indices[c] * stride on.
   */
  gaussians(
    vector: number,
    rows: number,
    stride: number,
    bytes: number,
    indices: number,
    count: number,
    out: number,
    squares: number
  ): void
}

export function openKernel(memory: WebAssembly.Memory): VectorKernel {
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  return exports as unknown as VectorKernel
}

const dotPlace = 0
/** Bytes of a round of `dot`: four sums side by side, since one would wait for each addition. */
const round = 64

const [vector, rows, stride, bytes, indices, count, out, squares] = [0, 1, 2, 3, 4, 5, 6, 7]
const shared = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const

function dot() {
  const [v, row, length, wholeEnd, end, tail] = [0, 1, 2, 3, 4, 5]
  const sums = [6, 7, 8, 9]
  const product = (offset: number) =>
    timesFours(loadFour(get(v), offset), loadFour(get(row), offset))
  const forward = (by: number) => [
    ...set(v, add(get(v), whole(by))),
    ...set(row, add(get(row), whole(by)))
  ]
  const total = sums.map(get).reduce(addFours)
  return {
    parameters: ['i32', 'i32', 'i32'],
    result: 'f32',
    locals: ['i32', 'i32', 'f32', 'v128', 'v128', 'v128', 'v128'],
    body: [
      ...set(wholeEnd, add(get(v), and(get(length), whole(-round)))),
      ...set(end, add(get(v), get(length))),
      ...whileTrue(isBelow(get(v), get(wholeEnd)), [
        ...sums.flatMap((sum, i) => set(sum, addFours(get(sum), product(16 * i)))),
        ...forward(round)
      ]),
      ...set(sums[0]!, total),
      ...whileTrue(isBelow(get(v), get(end)), [
        ...set(tail, addFloats(get(tail), timesFloats(loadFloat(get(v)), loadFloat(get(row))))),
        ...forward(4)
      ]),
      ...[0, 1, 2, 3].map(place => lane(get(sums[0]!), place)).reduce(addFloats, get(tail))
    ]
  } as const
}

/** Runs `body` for each index, with the place of its row in local `row`. */
function forEachRow(row: number, body: Code): Code {
  const end = row + 1
  return [
    ...set(end, add(get(indices), times(get(count), whole(4)))),
    ...whileTrue(isBelow(get(indices), get(end)), [
      ...set(row, add(get(rows), times(loadWhole(get(indices)), get(stride)))),
      ...body,
      ...set(indices, add(get(indices), whole(4))),
      ...set(out, add(get(out), whole(4)))
    ])
  ]
}

function dots() {
  const row = 7
  return {
    name: 'dots',
    parameters: shared,
    locals: ['i32', 'i32'],
    body: forEachRow(row, storeFloat(get(out), call(dotPlace, get(vector), get(row), get(bytes))))
  } as const
}

function gaussians() {
  const [row, part, partEnd, linear, variance, along] = [8, 10, 11, 12, 13, 14]
  const product = (left: number) => call(dotPlace, get(left), get(part), get(bytes))
  const next = set(part, add(get(part), get(bytes)))
  return {
    name: 'gaussians',
    parameters: [...shared, 'i32'],
    locals: ['i32', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32'],
    body: forEachRow(row, [
      ...set(part, get(row)),
      ...set(partEnd, add(get(row), get(stride))),
      ...set(linear, product(vector)),
      ...next,
      ...set(variance, product(squares)),
      ...next,
      ...whileTrue(isBelow(get(part), get(partEnd)), [
        ...set(along, product(vector)),
        ...set(variance, addFloats(get(variance), timesFloats(get(along), get(along)))),
        ...next
      ]),
      ...storeFloat(get(out), addFloats(get(linear), timesFloats(float(0.5), get(variance))))
    ])
  } as const
}

const compiled = new WebAssembly.Module(wasmModule([dot(), dots(), gaussians()]))
