// A process that times steps on a table of a hundred million weights. Prints one LargeTable.
import { createAdamW } from '#services/trainer/adamw.ts'
import { createBagKernel } from '#services/trainer/bag-kernel.ts'
import { recipe } from '#services/trainer/config.ts'
import { readBags, readsOf } from '#services/trainer/item-table.ts'
import { createRandom } from '#shared/runtime/random.ts'

export interface LargeTable {
  /** Milliseconds of a step: a table of 31,250 rows, and of 3,125,000, read in as many places. */
  readonly small: number
  readonly large: number
  /** Of the large table. */
  readonly parameters: number
  readonly rowsRead: number
  readonly rowsMoved: number
  readonly peakMegabytes: number
}

const width = 32
const [items, columns, perColumn] = [2000, 10, 1]
const steps = 20

const small = timeSteps(31_250)
const large = timeSteps(3_125_000)
const found: LargeTable = {
  small: small.milliseconds,
  large: large.milliseconds,
  parameters: large.parameters,
  rowsRead: large.rowsRead,
  rowsMoved: large.rowsMoved,
  peakMegabytes: process.resourceUsage().maxRSS / 1024
}
process.stdout.write(JSON.stringify(found))

/** Steps of 2,000 items with ten features each, all of them anywhere in the table. */
function timeSteps(rows: number) {
  const random = createRandom(1)
  const kernel = createBagKernel(new Float32Array(rows * width).fill(1), width)
  const table = { shape: [rows, width], values: kernel.table }
  const optimizer = createAdamW(recipe.optimizer)
  const all = Int32Array.from({ length: items }, (_, item) => item)
  const read = new Set<number>()
  const times: number[] = []
  for (let step = 0; step < steps; step++) {
    const set = randomSet(() => random.integer(rows))
    for (const row of readsOf(set, all).rows) read.add(row)
    const startedAt = performance.now()
    const reads = readsOf(set, all)
    const bags = readBags(kernel.embed, reads, items)
    kernel.addGradients(bags.metadata.values as Float32Array, reads.metadata)
    kernel.addGradients(bags.key.values as Float32Array, reads.key)
    const ofTable = { values: kernel.gradient, rows: reads.rows }
    optimizer.step({ table }, { table: ofTable }, 0.01)
    kernel.clear(reads.rows)
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  return {
    milliseconds: times[steps / 2]!,
    parameters: table.values.length,
    rowsRead: read.size,
    rowsMoved: movedRows(table.values)
  }
}

function randomSet(row: () => number) {
  const lookups = (segments: number) => ({
    rows: Int32Array.from({ length: segments * perColumn }, row),
    weights: new Float32Array(segments * perColumn).fill(1),
    starts: Int32Array.from({ length: segments + 1 }, (_, segment) => segment * perColumn)
  })
  return {
    columns,
    metadata: lookups(items * columns),
    key: lookups(items * 2),
    itemKeys: Array.from({ length: items }, String)
  }
}

/** Rows that are no longer all ones. */
function movedRows(values: Float32Array): number {
  let moved = 0
  for (let start = 0; start < values.length; start += width) {
    if (values.subarray(start, start + width).some(value => value !== 1)) moved++
  }
  return moved
}
