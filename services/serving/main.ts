// Serving: answers recommendations with the newest live release, over HTTP.
import { startListening } from '#shared/database/listen.ts'
import { createPool } from '#shared/database/pool.ts'
import { type RecommenderSettings, startRecommender } from '#shared/recommendations/recommender.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { onShutdown, runMain } from '#shared/runtime/shutdown.ts'
import { buildApp } from './app.ts'
import { collectIntoKafka, collectIntoLog } from './collector.ts'
import { type ServingConfig, servingConfig } from './config.ts'
import { announceEnd, type Ending } from './drain.ts'
import { guardAddress, isLoopback } from './guard-address.ts'
import { createKeptAnswers } from './kept-answers.ts'
import { createKnownKeys } from './known-keys.ts'
import { createKnownScenarios } from './known-scenarios.ts'
import { addressesOf, listenOn } from './listen.ts'
import { FollowedRelease } from './live-recommender.ts'
import { pollMs, startPolling } from './polling.ts'
import { batchLimits } from './routes/batch-limits.ts'
import type { App } from './serving-parts.ts'
import { requireSameGap } from './session-gap.ts'

/** Answers are written together, for whoever asks another process for the next page. */
const writeAnswersMs = 100
/** For requests that are on their way when the door is shut. */
const mostLingerMs = 1000

const log = createLogger({ name: 'serving', level: 'info' })

await runMain(log, async () => {
  const config = servingConfig(process.env)
  log.level = config.logLevel
  const pool = createPool(config.databaseUrl, {
    name: 'nextrie-serving',
    log,
    ...databasePatience(config)
  })
  await guardAddress(pool, config.host)
  const keys = createKnownKeys(pool, isLoopback(config.host))
  const scenarios = createKnownScenarios(pool)
  const answers = createKeptAnswers(pool)
  const recommender = new FollowedRelease({
    pool,
    log,
    start: async folder => {
      await requireSameGap(folder, config.sessionGapMinutes)
      return startRecommender({ folder, log, ...recommenderSettings(config) })
    }
  })
  const { sessionGapMinutes } = config
  const ending: Ending = { isNear: false }
  const metrics = createMetrics()
  const collector =
    config.brokers.length > 0
      ? collectIntoKafka({ settings: config, topic: config.eventsTopic, log })
      : collectIntoLog(pool)
  const app = await buildApp({
    pool,
    recommender,
    keys,
    requestsPerMinute: config.requestsPerMinute,
    metrics,
    log,
    sessionGapMinutes,
    collector,
    scenarios,
    answers,
    batches: batchLimits(config.queueLength),
    patienceMs: config.requestDeadlineMs,
    connections: { lingerMs: Math.min(config.shutdownGraceMs, mostLingerMs) },
    ending
  })

  const polling = [
    startPolling({ subject: 'API keys', everyMs: pollMs, look: () => keys.refresh(), log }),
    startPolling({ subject: 'scenarios', everyMs: pollMs, look: () => scenarios.refresh(), log }),
    startPolling({
      subject: 'answers to write',
      everyMs: writeAnswersMs,
      look: () => answers.flush(),
      log
    }),
    startPolling({ subject: 'release', everyMs: pollMs, look: () => recommender.refresh(), log }),
    startPolling({ subject: 'items', everyMs: pollMs, look: () => recommender.refreshItems(), log })
  ]
  const stopListening = startListening({
    pool,
    channel: 'nextrie_items',
    onNews: () => void recommender.refreshItems().catch(() => undefined), // polling says so
    log
  })
  onShutdown(log, async () => {
    await announceEnd(app, ending, config.shutdownGraceMs)
    await app.close()
    await collector.close()
    await Promise.all([stopListening(), ...polling.map(stop => stop())])
    await recommender.close()
    await answers.flush().catch(error => {
      log.warn(
        { err: error },
        'the last answers were not kept: no next page of theirs can be asked for'
      )
    })
    await pool.end()
  })
  await listen(app, config)
})

/** Never so short that a busy machine's looks at Postgres fail for it: a question waits for less by itself. */
function databasePatience({ requestDeadlineMs }: ServingConfig) {
  return {
    connectMs: Math.max(1000, requestDeadlineMs),
    queryMs: Math.max(2000, requestDeadlineMs)
  }
}

function recommenderSettings(config: ServingConfig): RecommenderSettings {
  const { threads, queueLength, requestDeadlineMs, search, searchWidth } = config
  return {
    threads,
    queue: { length: queueLength, deadlineMs: requestDeadlineMs },
    generation: { search, width: searchWidth }
  }
}

async function listen(app: App, { host, port }: ServingConfig): Promise<void> {
  try {
    await listenOn(app, await addressesOf(host), port)
  } catch (cause) {
    const message = `cannot listen on ${host}:${port}; end the program that does, or set PORT`
    throw new RecommenderError('CONFIG_INVALID', message, { cause })
  }
}
