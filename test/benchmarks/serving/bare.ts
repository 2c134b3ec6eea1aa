// The limit: what a request computes, without HTTP, threads and messages, one after the other on one
// core. Session graph, generation under the trie, candidates and blend.
import { answerQueries, type RecommendationQuery } from '#shared/recommendations/answer-query.ts'
import { loadSharedModel } from '#shared/recommendations/load-shared-model.ts'
import { type Generation, generate } from '#shared/recommendations/rank.ts'
import { sessionInput } from '#shared/recommendations/session-input.ts'
import { openSharedModel, type SharedModel } from '#shared/recommendations/shared-model.ts'

/** Milliseconds a request, the median. */
export interface BareTimes {
  /** The session graph alone. */
  readonly graph: number
  /** The search under the trie alone. */
  readonly generation: number
  readonly whole: number
  /** Of eight requests at once, for one of them. */
  readonly wholeOfEight: number
}

export async function loadBare(location: string): Promise<SharedModel> {
  return (await loadSharedModel(location, { seats: 1 })).model
}

export async function bareTimes(
  shared: SharedModel,
  generation: Generation,
  questions: readonly RecommendationQuery[]
): Promise<BareTimes> {
  const model = await openSharedModel(shared, 0, { generation })
  const inputs = questions.map(({ clicks }) =>
    sessionInput(clicks, model.itemIndex, model.sessions.config.gapBuckets)
  )
  const states = await model.sessions.encode(inputs)
  const at = <T>(list: readonly T[], i: number) => list[i % list.length]!
  const eightFrom = (i: number) => Array.from({ length: 8 }, (_, n) => at(questions, i + n))
  const times = {
    graph: await median(i => model.sessions.encode([at(inputs, i)])),
    generation: await median(async i =>
      generate(model.ranking, { state: at(states, i), excluded: new Set(), count: 10 })
    ),
    whole: await median(i => answerQueries(model, [at(questions, i)])),
    wholeOfEight: (await median(i => answerQueries(model, eightFrom(i)))) / 8
  }
  await model.sessions.close()
  return times
}

/** Warms up for a third of the time. */
async function median(act: (i: number) => Promise<unknown>, forMs = 900): Promise<number> {
  const times: number[] = []
  const startedAt = performance.now()
  for (let i = 0; performance.now() - startedAt < forMs; i++) {
    const before = performance.now()
    await act(i)
    if (before - startedAt > forMs / 3) times.push(performance.now() - before)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)]!
}
