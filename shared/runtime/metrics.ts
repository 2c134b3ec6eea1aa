// Numbers about the running program in Prometheus's format. Each program owns one registry and
// names it in `registers` of every metric it makes, so that two programs in one test do not mix.
import { collectDefaultMetrics, Registry } from 'prom-client'

// biome-ignore lint/performance/noBarrelFile: prom-client is imported nowhere but here
export { Counter, Gauge, Histogram } from 'prom-client'

/** The registry of one program: `await metrics.metrics()` is the page, `contentType` its type. */
export type Metrics = Registry

/** An own registry that already holds the process's figures: CPU, memory, event-loop lag. */
export function createMetrics(): Metrics {
  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  return metrics
}
