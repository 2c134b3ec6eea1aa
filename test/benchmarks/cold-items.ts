// Items that training never saw: what the final ranking finds of them, and what known items lose.
//
// npm run bench -- cold-items --dataset PATH_OR_NAME [--draws 5] [--first-draw 1] [--share 0.05]
//
// For each draw a random share of the items is cold: their clicks are removed, except as test targets.
// As many more are removed except as validation targets: the margin of new items is fitted on these.
// The wanted figures were set for Amazon Beauty.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { questionsOf } from '#services/trainer/dense-quality.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { type Blend, type RankingModel, rank } from '#shared/recommendations/rank.ts'
import { loadModel } from '#shared/recommendations/release-model.ts'
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
    let parts: Parts | undefined
    const loaded = await loadSet(options, dataset => {
      parts = drawParts(dataset, Number(options.share ?? 0.05), draw)
      return withoutClicksOn(dataset, parts)
    })
    if (!loaded || !parts) return []
    const { set, recipe } = loaded
    const report = terminalReporter(process.stderr)
    const trained = await trainModel(set, { recipe, seed: draw, report, log })
    process.stderr.write(`draw ${draw}: blend ${JSON.stringify(trained.blend)}\n`)
    const { encoder, ranking } = loadModel(trained)
    const questions = questionsOf(encoder, set.test, set.asked)
    const named = (names: ReadonlySet<string>) => (item: number) => names.has(set.itemKeys[item]!)
    const [isCold, isSpared] = [named(parts.cold), named(parts.pseudoCold)]
    const recall = (wants: (item: number) => boolean, blend: Blend) =>
      recallAt10(
        { ...ranking, blend },
        questions.filter(({ target }) => wants(target)),
        set
      )
    const isKnown = (item: number) => !isCold(item) && !isSpared(item)
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

interface Parts {
  readonly cold: ReadonlySet<string>
  readonly pseudoCold: ReadonlySet<string>
}

function drawParts({ items }: SplitDataset, share: number, seed: number): Parts {
  const keys = createRandom(seed).shuffle(items.map(({ key }) => key))
  const count = Math.round(share * keys.length)
  return { cold: new Set(keys.slice(0, count)), pseudoCold: new Set(keys.slice(count, 2 * count)) }
}

/** Leaves cold items only as the last click of a test session, pseudo-cold ones of a validation session. */
function withoutClicksOn(dataset: SplitDataset, { cold, pseudoCold }: Parts): SplitDataset {
  const isGone = (itemKey: string) => cold.has(itemKey) || pseudoCold.has(itemKey)
  const kept = (session: Session, asked: ReadonlySet<string>): Session => {
    const last = session.clicks.length - 1
    const stays = (itemKey: string, i: number) =>
      !isGone(itemKey) || (i === last && asked.has(itemKey))
    return { ...session, clicks: session.clicks.filter(({ itemKey }, i) => stays(itemKey, i)) }
  }
  const isLong = ({ clicks }: Session) => clicks.length > 1
  /** A session whose last click is gone asks nothing: the click before it is no held-out one. */
  const asking = (sessions: readonly Session[], asked: ReadonlySet<string>) =>
    sessions
      .filter(({ clicks }) => !isGone(clicks.at(-1)!.itemKey) || asked.has(clicks.at(-1)!.itemKey))
      .map(session => kept(session, asked))
      .filter(isLong)
  return {
    ...dataset,
    training: dataset.training.map(session => kept(session, new Set())).filter(isLong),
    validation: asking(dataset.validation, pseudoCold),
    test: asking(dataset.test, cold)
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
