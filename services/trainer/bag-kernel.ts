// The weighted sums of table rows and their gradient (see embedBags and addBagGradients, which it
// equals), four numbers at a time: plain loops took a third of a training step. The table lives in the
// kernel's memory.
//
// Measured on Amazon Beauty, 435,000 look-ups of 32 numbers (one core, 2026-11): plain loops 70 ms and
// 100 ms for the sums and their gradient; README.md has what this takes.

import type { Lookups } from '#shared/model/unified-embedding.ts'
import {
  add,
  addFours,
  type Code,
  get,
  isBelow,
  loadFloat,
  loadFour,
  loadWhole,
  set,
  splat,
  storeFour,
  times,
  timesFours,
  wasmModule,
  whileTrue,
  whole
} from '#shared/runtime/wasm-writer.ts'

export interface BagKernel {
  /** [R, E] */
  readonly table: Float32Array
  /** [R, E] of the table, added up until it is cleared. */
  readonly gradient: Float32Array
  /** @returns [segments, E] */
  embed(lookups: Lookups): Float32Array
  /** @param gradients [segments, E] of the sums. */
  addGradients(gradients: Float32Array, lookups: Lookups): void
  /** Sets the gradient of these rows back to zero. */
  clear(rows: Int32Array): void
}

interface Exports {
  embed(...places: readonly number[]): void
  addGradients(...places: readonly number[]): void
}

const pageBytes = 65_536
/** V8 copies to and from shared memory byte by byte where one side does not begin at a whole word. */
const wordBytes = 8

/** @param table [R, E], copied. @param width E, a multiple of four. */
export function createBagKernel(table: Float32Array, width: number): BagKernel {
  if (width % 4 !== 0) throw new RangeError(`a row of ${width} numbers is not made of fours`)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true })
  const instance = new WebAssembly.Instance(compiled, { env: { memory } })
  const exports = instance.exports as unknown as Exports
  const scratch = 2 * table.byteLength
  const reserve = (bytes: number) => {
    const missing = Math.ceil((scratch + bytes - memory.buffer.byteLength) / pageBytes)
    if (missing > 0) memory.grow(missing)
  }
  reserve(0)
  const [values, gradient] = [0, table.byteLength].map(
    place => new Float32Array(memory.buffer, place, table.length)
  ) as [Float32Array, Float32Array]
  values.set(table)

  /** Puts look-ups and room for their sums behind the tables. */
  const place = ({ rows, weights, starts }: Lookups) => {
    const bags = (starts.length - 1) * width
    reserve(rows.byteLength + weights.byteLength + starts.byteLength + wordBytes + 4 * bags)
    const at = {
      rows: scratch,
      weights: scratch + rows.byteLength,
      starts: scratch + rows.byteLength + weights.byteLength
    }
    const startsEnd = at.starts + starts.byteLength
    const bagsAt = wordBytes * Math.ceil(startsEnd / wordBytes)
    new Int32Array(memory.buffer, at.rows, rows.length).set(rows)
    new Float32Array(memory.buffer, at.weights, weights.length).set(weights)
    new Int32Array(memory.buffer, at.starts, starts.length).set(starts)
    const lastStart = startsEnd - 4 // it only ends the last segment
    return {
      bags: new Float32Array(memory.buffer, bagsAt, bags),
      bagsAt,
      rest: [at.rows, at.weights, at.starts, lastStart, 4 * width, at.rows] as const
    }
  }

  return {
    table: values,
    gradient,
    embed(lookups) {
      const { bags, bagsAt, rest } = place(lookups)
      bags.fill(0)
      exports.embed(0, bagsAt, ...rest)
      return bags.slice()
    },
    addGradients(gradients, lookups) {
      const { bags, bagsAt, rest } = place(lookups)
      bags.set(gradients)
      exports.addGradients(table.byteLength, bagsAt, ...rest)
    },
    clear(rows) {
      for (const row of rows) gradient.fill(0, row * width, (row + 1) * width)
    }
  }
}

/** For each look-up of each segment, adds its weight times one row to another, of table and of bags. */
function overLookups(name: string, towards: 'bag' | 'row') {
  const [table, bag, rows, weights, starts, startsEnd, bytes, firstRow] = [0, 1, 2, 3, 4, 5, 6, 7]
  const [rowsEnd, row, rowEnd, inBag, weight] = [8, 9, 10, 11, 12]
  const forward = (pointer: number, by: Code): Code => set(pointer, add(get(pointer), by))
  const [to, from] = towards === 'bag' ? [inBag, row] : [row, inBag]
  return {
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'i32', 'i32', 'v128'],
    body: whileTrue(isBelow(get(starts), get(startsEnd)), [
      ...forward(starts, whole(4)),
      ...set(rowsEnd, add(get(firstRow), times(loadWhole(get(starts)), whole(4)))),
      ...whileTrue(isBelow(get(rows), get(rowsEnd)), [
        ...set(row, add(get(table), times(loadWhole(get(rows)), get(bytes)))),
        ...set(rowEnd, add(get(row), get(bytes))),
        ...set(inBag, get(bag)),
        ...set(weight, splat(loadFloat(get(weights)))),
        ...whileTrue(isBelow(get(row), get(rowEnd)), [
          ...storeFour(
            get(to),
            addFours(loadFour(get(to), 0), timesFours(get(weight), loadFour(get(from), 0)))
          ),
          ...forward(row, whole(16)),
          ...forward(inBag, whole(16))
        ]),
        ...forward(rows, whole(4)),
        ...forward(weights, whole(4))
      ]),
      ...forward(bag, get(bytes))
    ])
  } as const
}

const compiled = new WebAssembly.Module(
  wasmModule([overLookups('embed', 'bag'), overLookups('addGradients', 'row')])
)
