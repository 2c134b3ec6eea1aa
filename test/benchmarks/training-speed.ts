// Training steps of ours (native, WebAssembly) beside plain PyTorch: the same model, weights and batches
//
// npm run bench -- training-speed [--dataset PATH_OR_NAME] [--steps 30] [--only native,wasm,pytorch]
//
// Each runs in a process of its own, one after the other, on the same two cores, from the same first
// weights; before anything is timed all must state the same loss for the first batch. The first steps
// are not counted. --steps 1000 shows whether memory stays flat, by a line through 46 readings, since
// what an allocator keeps goes up and down. Nothing here is about quality.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { isTensorflowAddonBuilt } from '#services/trainer/tensorflow-addon.ts'
import { encodeArrays } from '#shared/model/safetensors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { preparePython, runProgram } from './python-environment.ts'
import { type BenchSet, loadSet } from './quality/load-set.ts'
import type { BenchOptions, Figure } from './report.ts'
import type { LargeTable } from './training-speed/large-table.ts'
import type { Measured, MemoryAt } from './training-speed/measured.ts'
import { pytorchInput } from './training-speed/pytorch-input.ts'

const runners = ['native', 'wasm', 'pytorch'] as const
type Runner = (typeof runners)[number]

const bundled = fileURLToPath(
  new URL('../../services/nextrie/data/eshop-clothing-2008', import.meta.url)
)

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const steps = Number(options.steps ?? 30)
  const dataset = options.dataset ?? 'amazon-beauty-2014'
  const loaded = await loadOrBundled(dataset)
  const only = String(options.only ?? runners.join()).split(',')
  const measured = new Map<Runner, Measured>()
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-speed-'))
  try {
    for (const runner of runners.filter(name => only.includes(name))) {
      process.stderr.write(`${runner}: ${steps} steps\n`)
      const missing = await measure[runner]({ ...loaded, steps, folder }, found => {
        measured.set(runner, found)
      })
      if (missing) process.stderr.write(`SKIPPED: ${runner} cannot be timed here: ${missing}\n`)
    }
    refuseOtherModels(measured)
    const table = JSON.parse(await runNode('large-table.ts', [])) as LargeTable
    return [
      { name: 'load of the machine', value: loadavg()[0]!, unit: 'processes' },
      ...comparisons(measured),
      ...[...measured].flatMap(([runner, found]) => detailsOf(runner, found, steps)),
      ...tableFigures(table)
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Loaded {
  readonly loaded: BenchSet
  readonly dataset: string
}

async function loadOrBundled(asked: string | true): Promise<Loaded> {
  const dataset = String(asked)
  const loaded = await loadSet({ dataset })
  if (loaded) return { loaded, dataset }
  process.stderr.write(`the bundled e-shop data is used instead of ${dataset}\n`)
  return { loaded: (await loadSet({ dataset: bundled }))!, dataset: bundled }
}

interface Task extends Loaded {
  readonly steps: number
  readonly folder: string
}

/** Each tells what it found, or returns why it could not. */
type Measure = (task: Task, tell: (found: Measured) => void) => Promise<string | undefined>

const measure: Readonly<Record<Runner, Measure>> = {
  native: async ({ dataset, steps }, tell) => {
    if (!isTensorflowAddonBuilt()) return 'its addon is not built, run npm run setup:tensorflow'
    tell(JSON.parse(await runNode('measure-trainer.ts', ['native', dataset, String(steps)])))
    return undefined
  },
  wasm: async ({ dataset, steps }, tell) => {
    tell(JSON.parse(await runNode('measure-trainer.ts', ['wasm', dataset, String(steps)])))
    return undefined
  },
  pytorch: async ({ loaded, steps, folder }, tell) => {
    await startTrainingBackend('wasm', createLogger({ name: 'speed', level: 'warn' }))
    const input = pytorchInput(loaded, steps)
    if ('missing' in input) return input.missing
    const python = await preparePython()
    if ('missing' in python) return python.missing
    await writeFile(join(folder, 'input.safetensors'), encodeArrays(input.arrays))
    await writeFile(join(folder, 'task.json'), JSON.stringify(input.task))
    const script = fileURLToPath(new URL('./training_speed.py', import.meta.url))
    tell(JSON.parse(await onTwoCores(python.path, [script, folder])))
    return undefined
  }
}

function runNode(file: string, args: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL(`./training-speed/${file}`, import.meta.url))
  return onTwoCores(process.execPath, ['--expose-gc', '--import', 'tsx', program, ...args])
}

/** Where there are more cores, all are held to the first two. */
function onTwoCores(file: string, args: readonly string[]): Promise<string> {
  const isHeld = availableParallelism() > 2 && existsSync('/usr/bin/taskset')
  return isHeld ? runProgram('taskset', ['-c', '0,1', file, ...args]) : runProgram(file, args)
}

/** @throws Error when the runners do not compute the same loss: their times would tell nothing. */
function refuseOtherModels(measured: ReadonlyMap<Runner, Measured>): void {
  const losses = [...measured.values()].map(({ firstLoss }) => firstLoss)
  if (Math.max(...losses) - Math.min(...losses) <= 1e-3) return
  const told = [...measured].map(([runner, { firstLoss }]) => `${runner} ${firstLoss.toFixed(4)}`)
  throw new Error(`the losses of the first batch differ: ${told.join(', ')}`)
}

function comparisons(measured: ReadonlyMap<Runner, Measured>): Figure[] {
  const reference = measured.get('pytorch')
  return [...measured].map(([runner, { msPerStep }]) => ({
    name: `${runner}: a step`,
    value: msPerStep,
    unit: 'ms',
    ...(reference && runner !== 'pytorch' && { reference: reference.msPerStep }),
    ...(reference && runner === 'native' && { wanted: { of: 'ratio', atMost: 1.3 } as const })
  }))
}

function detailsOf(runner: Runner, found: Measured, steps: number): Figure[] {
  const { examplesPerSecond, shares, memory, peakMegabytes, firstLoss, lastLoss } = found
  const megabytes = (name: string, value: number) => ({ name, value, unit: 'MB' })
  const line = lineThrough(memory)
  return [
    { name: `${runner}: examples`, value: examplesPerSecond, unit: 'examples/s' },
    ...Object.entries(shares).map(([part, share]) => ({
      name: `${runner}: share of ${part}`,
      value: 100 * share,
      unit: '%'
    })),
    { name: `${runner}: loss of the first batch`, value: firstLoss, unit: 'nats' },
    { name: `${runner}: loss after ${steps} steps`, value: lastLoss, unit: 'nats' },
    ...memory
      .filter((_, i) => i % 5 === 0)
      .map(({ step, megabytes: held }) => megabytes(`${runner}: memory after ${step} steps`, held)),
    {
      ...megabytes(`${runner}: memory at the end of the line through all readings`, line.end),
      reference: line.start,
      ...(runner !== 'pytorch' &&
        steps >= 1000 && { wanted: { of: 'ratio', atMost: 1.05 } as const })
    },
    megabytes(`${runner}: peak memory`, peakMegabytes)
  ]
}

/** The straight line of least squares, where the readings begin and where they end. */
export function lineThrough(readings: readonly MemoryAt[]): { start: number; end: number } {
  const mean = (of: (reading: MemoryAt) => number) =>
    readings.reduce((sum, reading) => sum + of(reading), 0) / readings.length
  const [step, held] = [mean(reading => reading.step), mean(reading => reading.megabytes)]
  const variance = mean(reading => (reading.step - step) ** 2)
  const slope =
    variance === 0
      ? 0
      : mean(reading => (reading.step - step) * (reading.megabytes - held)) / variance
  const at = (reading: MemoryAt) => held + slope * (reading.step - step)
  return { start: at(readings[0]!), end: at(readings.at(-1)!) }
}

function tableFigures({
  small,
  large,
  parameters,
  rowsRead,
  rowsMoved,
  peakMegabytes
}: LargeTable): Figure[] {
  return [
    {
      name: `lazy update: rows moved of ${parameters / 1e6} million weights`,
      value: rowsMoved,
      unit: 'rows',
      reference: rowsRead,
      wanted: { of: 'ratio', atLeast: 1, atMost: 1 }
    },
    {
      name: 'lazy update: beside a table a hundredth as large',
      value: large,
      unit: 'ms',
      reference: small
    },
    { name: 'lazy update: peak memory', value: peakMegabytes, unit: 'MB' }
  ]
}
