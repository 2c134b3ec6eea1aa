// What each part of the session model is worth: one change at a time, the dense head on every target.
//
// npm run bench -- ablations --dataset PATH_OR_NAME [--variants a,b] [--seed 1] [--recipe JSON]
//
// The first variant is the reference of the others.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { encoderQuality } from './quality/encoder-quality.ts'
import { loadSet } from './quality/load-set.ts'
import { byFrequency, placeMetrics } from './quality/place-metrics.ts'
import { promptsOf } from './quality/questions.ts'
import type { BenchOptions, Figure } from './report.ts'

/** By name, what differs from the settled recipe. */
const variants: Readonly<Record<string, Partial<SettledRecipe>>> = {
  'as-is': {},
  'heads-0': { categoryLossWeight: 0 },
  'heads-0.1': { categoryLossWeight: 0.1 },
  'heads-0.5': { categoryLossWeight: 0.5 },
  'heads-learned': { categoryLossWeight: 'learned' },
  'pooling-mean': { pooling: 'mean' },
  'pooling-attention': { pooling: 'attention' },
  'no-key': { keyDropout: 1 },
  'key-dropout-0': { keyDropout: 0 },
  'one-block': { blocks: 1 },
  'width-128': { width: 128, heads: 4 },
  'sampled-softmax': { fullSoftmaxItems: 0, negatives: 2048 }
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await startTrainingBackend('auto', createLogger({ name: 'ablations', level: 'warn' }))
  const chosen = String(options.variants ?? Object.keys(variants).join(',')).split(',')
  const figures: Figure[] = []
  const references = new Map<string, number>()
  for (const variant of chosen) {
    const change = variants[variant]
    if (!change)
      throw new Error(`there is no variant ${variant}: ${Object.keys(variants).join(', ')}`)
    const given = JSON.parse(String(options.recipe ?? '{}')) as object
    const loaded = await loadSet({ ...options, recipe: JSON.stringify({ ...given, ...change }) })
    if (!loaded) return []
    const { set, recipe } = loaded
    const { trained, places, seconds } = await encoderQuality(
      set,
      recipe,
      Number(options.seed ?? 1)
    )
    const { recall, ndcg } = placeMetrics(places)
    const clicks = promptsOf(set.test, set.asked).map(({ target }) => set.clicks[target]!)
    const add = (metric: string, value: number) => {
      const reference = references.get(metric)
      figures.push({
        name: `${variant} ${metric}`,
        value,
        unit: metric,
        ...(reference !== undefined && { reference })
      })
      if (reference === undefined) references.set(metric, value)
    }
    add('validation Recall@10', trained.validation.recallAt10)
    add('validation NDCG@10', trained.validation.ndcgAt10)
    add('Recall@10', recall[10])
    add('NDCG@10', ndcg[10])
    for (const [bucket, metrics] of Object.entries(byFrequency(places, clicks))) {
      add(
        `Recall@10 of ${metrics.targets} targets with training clicks ${bucket}`,
        metrics.recall[10]
      )
    }
    add('epoch kept', trained.epoch)
    add('seconds', seconds)
  }
  return figures
}
