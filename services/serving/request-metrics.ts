// What serving counts for Prometheus, beside the process's own figures.
import type { FastifyInstance } from 'fastify'
import type { ThreadLoad } from '#shared/recommendations/recommender.ts'
import { Counter, Gauge, Histogram, type Metrics } from '#shared/runtime/metrics.ts'

/** Seconds. Recommendations are expected between the second and the sixth. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Measures every request. Labelled by the route's pattern, so that ids make no new series. */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const durations = new Histogram({
    name: 'nextrie_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: durationBuckets,
    registers: [metrics]
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const labels = { method: request.method, route, status: reply.statusCode }
    durations.observe(labels, reply.elapsedTime / 1000)
  })
}

/** Shows how busy the recommender's threads are; reads them when /metrics is asked for. */
export function measureRecommender(
  { load }: { readonly load: () => ThreadLoad | undefined },
  metrics: Metrics
): void {
  const figures: Readonly<Record<keyof ThreadLoad, string>> = {
    waiting: 'Questions that wait for a thread',
    threads: 'Threads that compute recommendations',
    busyThreads: 'Threads that compute just now',
    lostThreads: 'Threads of the loaded release that died and were replaced',
    retried: 'Questions asked again because their thread died'
  }
  for (const [figure, help] of Object.entries(figures)) {
    const snake = figure.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
    new Gauge({
      name: `nextrie_recommender_${snake}`,
      help,
      registers: [metrics],
      collect() {
        this.set(load()?.[figure as keyof ThreadLoad] ?? 0)
      }
    })
  }
}

/** Shows what of the answers got lost for those who turn pages. */
export function measureKeptAnswers(answers: { readonly dropped: number }, metrics: Metrics): void {
  new Counter({
    name: 'nextrie_answers_dropped_total',
    help: 'Answers whose next page cannot be asked for, since Postgres did not take them in time',
    registers: [metrics],
    collect() {
      this.reset()
      this.inc(answers.dropped)
    }
  })
}

/** Counts recommended items by what proposed them, so that falling back is never silent. */
export function countSources(metrics: Metrics): Counter<'source'> {
  return new Counter({
    name: 'nextrie_recommended_items_total',
    help: 'Items recommended, by the source that proposed them',
    labelNames: ['source'],
    registers: [metrics]
  })
}
