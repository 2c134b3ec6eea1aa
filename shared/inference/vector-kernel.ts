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
  leastFours,
  lessFours,
  loadFloat,
  loadFour,
  loadWhole,
  mostFours,
  overFours,
  powersOfTwo,
  roundFours,
  set,
  splat,
  storeFloat,
  storeFour,
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
  /**
   * state[d] = session[d] + (row d of `output`) . hidden, with hidden = gelu(sessionPart + nodePart) and
   * gelu(x) = x sigmoid(1.702 x); then squares = state^2. Rows have `bytes`, a multiple of four; `hidden`
   * is written, and the two parts are read, to the next multiple of sixteen.
   */
  decoderState(
    sessionPart: number,
    nodePart: number,
    session: number,
    output: number,
    bytes: number,
    hidden: number,
    state: number,
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

/** e to the power of numbers from -87 to 88, to seven digits: 2^n e^r with r at most half of ln 2. */
function exponential(x: number, r: number, n: number): Code {
  const constant = (value: number) => splat(float(value))
  // Taylor's coefficients, moved a little so that the error is spread over the range (Cephes, expf).
  const coefficients = [
    1.9875691e-4, 1.3981999e-3, 8.3334519e-3, 4.1665796e-2, 0.16666666, 0.5, 1, 1
  ]
  return [
    ...set(n, roundFours(timesFours(get(x), constant(Math.LOG2E)))),
    // ln 2 in two parts, since the first times n is exact.
    ...set(r, lessFours(get(x), timesFours(get(n), constant(0.693359375)))),
    ...set(r, lessFours(get(r), timesFours(get(n), constant(Math.LN2 - 0.693359375)))),
    ...timesFours(
      coefficients
        .map(constant)
        .reduce((sum, coefficient) => addFours(timesFours(sum, get(r)), coefficient)),
      powersOfTwo(get(n))
    )
  ]
}

function decoderState() {
  const [sessionPart, nodePart, session, output, length, hidden, state, square] = [
    0, 1, 2, 3, 4, 5, 6, 7
  ]
  const [at, end, sum] = [8, 9, 10]
  const [x, exponent, r, n] = [11, 12, 13, 14]
  const forward = (place: number, by: Code) => set(place, add(get(place), by))
  const bounded = leastFours(
    mostFours(timesFours(get(x), splat(float(-1.702))), splat(float(-87))),
    splat(float(87))
  )
  return {
    name: 'decoderState',
    parameters: [...shared, 'i32'],
    locals: ['i32', 'i32', 'f32', 'v128', 'v128', 'v128', 'v128'],
    body: [
      ...set(end, add(get(hidden), get(length))),
      ...set(at, get(hidden)),
      ...whileTrue(isBelow(get(at), get(end)), [
        ...set(x, addFours(loadFour(get(sessionPart), 0), loadFour(get(nodePart), 0))),
        ...set(exponent, bounded),
        ...storeFour(
          get(at),
          overFours(get(x), addFours(splat(float(1)), exponential(exponent, r, n)))
        ),
        ...[sessionPart, nodePart, at].flatMap(place => forward(place, whole(16)))
      ]),
      ...set(end, add(get(state), get(length))),
      ...whileTrue(isBelow(get(state), get(end)), [
        ...set(
          sum,
          addFloats(loadFloat(get(session)), call(dotPlace, get(hidden), get(output), get(length)))
        ),
        ...storeFloat(get(state), get(sum)),
        ...storeFloat(get(square), timesFloats(get(sum), get(sum))),
        ...forward(output, get(length)),
        ...[session, state, square].flatMap(place => forward(place, whole(4)))
      ])
    ]
  } as const
}

const compiled = new WebAssembly.Module(wasmModule([dot(), dots(), gaussians(), decoderState()]))
