// Items that training never saw: what the final ranking finds of them, and what known items lose.
//
// npm run bench -- cold-items --dataset PATH_OR_NAME [--draws 5] [--first-draw 1] [--share 0.05]
//
// For each draw a random share of the items is cold: their clicks are removed, except as test targets.
// The margin of new items is fitted on validation by what known items may lose; nothing asks for a cold
// item there. The wanted figures were set for Amazon Beauty.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { questionsOf } from '#services/trainer/dense-quality.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import type { Blend } from '#shared/recommendations/blend.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { type RankingModel, rank } from '#shared/recommendations/rank.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Session } from '#shared/sessions/session.ts'
import { loadSet } from './quality/load-set.ts'
import { placeMetrics } from './quality/place-metrics.ts'
import { listPlaces } from './quality/questions.ts'
import type { SplitDataset } from './quality/read-dataset.ts'
import type { BenchOptions, Figure } from './report.ts'

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const log = createLogger({ name: 'cold-items', level: 'warn' })
  await startTrainingBackend('auto', log)
  const first = Number(options['first-draw'] ?? 1)
  const draws: Measured[] = []
  for (let draw = first; draw < first + Number(options.draws ?? 5); draw++) {
    let cold: ReadonlySet<string> = new Set()
    const loaded = await loadSet(options, dataset => {
      cold = drawCold(dataset, Number(options.share ?? 0.05), draw)
      return withoutClicksOn(dataset, cold)
    })
    if (!loaded) return []
    const { set, recipe } = loaded
    const report = terminalReporter(process.stderr)
    const trained = await trainModel(set, { recipe, seed: draw, report, log })
    process.stderr.write(`draw ${draw}: blend ${JSON.stringify(trained.blend)}\n`)
    const { encoder, ranking } = loadModel(trained)
    const questions = questionsOf(encoder, set.test, set.asked)
    const isCold = (item: number) => cold.has(set.itemKeys[item]!)
    const recall = (wants: (item: number) => boolean, blend: Blend) =>
      recallAt10(
        { ...ranking, blend },
        questions.filter(({ target }) => wants(target)),
        set
      )
    const isKnown = (item: number) => !isCold(item)
    const { blend } = ranking
    const unlifted = { ...blend, newItemMargin: 0 }
    draws.push({
      cold: recall(isCold, blend),
      coldUnlifted: recall(isCold, unlifted),
      known: recall(isKnown, blend),
      knownUnlifted: recall(isKnown, unlifted),
      margin: blend.newItemMargin,
      targets: questions.filter(({ target }) => isCold(target)).length
    })
  }
  return figuresOf(draws)
}

interface Measured {
  readonly cold: number
  readonly coldUnlifted: number
  readonly known: number
  readonly knownUnlifted: number
  readonly margin: number
  readonly targets: number
}

/** Keys of a random share of the items. */
export function drawCold(
  { items }: SplitDataset,
  share: number,
  seed: number
): ReadonlySet<string> {
  const keys = createRandom(seed).shuffle(items.map(({ key }) => key))
  return new Set(keys.slice(0, Math.round(share * keys.length)))
}

/** Leaves cold items only as the last click of a test session. */
export function withoutClicksOn(dataset: SplitDataset, cold: ReadonlySet<string>): SplitDataset {
  const isCold = ({ itemKey }: Session['clicks'][number]) => cold.has(itemKey)
  const isLong = ({ clicks }: Session) => clicks.length > 1
  const without = (session: Session): Session => ({
    ...session,
    clicks: session.clicks.filter(click => !isCold(click))
  })
  /** A session whose last click is gone asks nothing: the click before it is no held-out one. */
  const asksForKnown = ({ clicks }: Session) => !isCold(clicks.at(-1)!)
  const asking = (session: Session): Session => {
    const asked = session.clicks.at(-1)!
    return { ...session, clicks: [...without(session).clicks.filter(c => c !== asked), asked] }
  }
  return {
    ...dataset,
    training: dataset.training.map(without).filter(isLong),
    validation: dataset.validation.filter(asksForKnown).map(without).filter(isLong),
    test: dataset.test.map(asking).filter(isLong)
  }
}

function recallAt10(
  ranking: RankingModel,
  questions: ReturnType<typeof questionsOf>,
  { repeats }: TrainingSet
): number {
  const places = listPlaces(questions, question =>
    rank(ranking, { ...question, excluded: repeats ? [] : question.clicked, count: 10 }).map(
      ({ item }) => item
    )
  )
  return placeMetrics(places).recall[10]
}

function figuresOf(draws: readonly Measured[]): Figure[] {
  const mean = (of: (measured: Measured) => number) =>
    draws.reduce((sum, one) => sum + of(one), 0) / draws.length
  return [
    { name: 'cold targets in each draw', value: mean(one => one.targets), unit: 'targets' },
    { name: 'margin of new items', value: mean(one => one.margin), unit: 'logits' },
    {
      name: 'cold targets without the margin',
      value: mean(one => one.coldUnlifted),
      unit: 'Recall@10'
    },
    {
      name: 'cold targets',
      value: mean(one => one.cold),
      unit: 'Recall@10',
      wanted: { of: 'value', atLeast: 0.08 }
    },
    {
      name: 'known targets, against the same model without the margin',
      value: mean(one => one.known),
      unit: 'Recall@10',
      reference: mean(one => one.knownUnlifted),
      wanted: { of: 'ratio', atLeast: 0.97 }
    },
    ...draws.map((one, i) => ({
      name: `cold targets, draw ${i + 1}`,
      value: one.cold,
      unit: 'Recall@10'
    }))
  ]
}
