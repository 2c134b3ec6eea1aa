// What the PyTorch script reads: our first weights, the look-ups of the items, the batches, the recipe.
import { createCandidates } from '#services/trainer/candidates.ts'
import { createTrainer } from '#services/trainer/train-encoder.ts'
import type { NamedArray, NamedArrays } from '#shared/model/safetensors.ts'
import { type Lookups, lookupsOf } from '#shared/model/unified-embedding.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { BenchSet } from '../quality/load-set.ts'
import { batchesFor } from './batches-for.ts'
import { earlyStep, learningRate, seed, stepsPerReading, warmUpSteps } from './measured.ts'

export type PytorchInput =
  | { readonly arrays: NamedArrays; readonly task: Readonly<Record<string, unknown>> }
  | { readonly missing: string }

/** Needs a TF.js backend for the first weights. The script knows the default recipe alone. */
export function pytorchInput(loaded: BenchSet, steps: number): PytorchInput {
  const { set, recipe } = loaded
  const batches = batchesFor(loaded, warmUpSteps + steps)
  const { items, inclusion, placeOf } = createCandidates(
    set.clicks,
    recipe,
    createRandom(seed)
  ).forStep(batches[0]!.targets, batches[0]!.items)
  if (inclusion) return { missing: 'the script has no sampled softmax, and the catalogue needs it' }
  if (recipe.pooling !== 'last' || recipe.categoryLossWeight === 'learned' || set.columns === 0) {
    return { missing: 'the script has neither other poolings nor learned loss weights' }
  }
  const { weights } = createTrainer(set, recipe, createRandom(seed))
  const keyColumns = (set.key.starts.length - 1) / set.itemKeys.length
  const read = (values: Int32Array) => arrayOf(values.map(placeOf))
  const arrays: Record<string, NamedArray> = {
    ...prefixed('weights.', weights),
    ...lookupArrays('metadata', lookupsOf(set.metadata, set.columns, items)),
    ...lookupArrays('key', lookupsOf(set.key, keyColumns, items))
  }
  set.categories.forEach(({ classes }, level) => {
    arrays[`classes${level}`] = arrayOf(items.map(item => classes[item]!))
  })
  batches.forEach(({ items: clicked, types, gaps, places, targets, size, length }, i) => {
    const shaped = (values: Int32Array) => ({ shape: [size, length], values })
    arrays[`batch${i}.items`] = shaped(read(clicked).values as Int32Array)
    arrays[`batch${i}.types`] = shaped(types)
    arrays[`batch${i}.gaps`] = shaped(gaps)
    arrays[`batch${i}.places`] = arrayOf(places)
    arrays[`batch${i}.targets`] = read(targets)
  })
  return {
    arrays,
    task: {
      ...recipe,
      columns: set.columns,
      steps,
      warmUpSteps,
      earlyStep: earlyStep(steps),
      stepsPerReading: stepsPerReading(steps),
      rate: learningRate
    }
  }
}

function arrayOf(values: Int32Array): NamedArray {
  return { shape: [values.length], values }
}

function lookupArrays(name: string, { rows, weights, starts }: Lookups): NamedArrays {
  return {
    [`${name}.rows`]: arrayOf(rows),
    [`${name}.weights`]: { shape: [weights.length], values: weights },
    [`${name}.starts`]: arrayOf(starts)
  }
}

function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [`${prefix}${name}`, array])
  )
}
