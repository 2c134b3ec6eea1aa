import { expect, test } from 'vitest'
import { Counter, createMetrics } from '#shared/runtime/metrics.ts'

test('a registry has the process’s own figures from the start', async () => {
  const page = await createMetrics().metrics()

  expect(page).toContain('process_cpu_seconds_total')
  expect(page).toContain('nodejs_eventloop_lag_seconds')
})

test('a metric is only on the page of the registry it was made for', async () => {
  const metrics = createMetrics()
  const other = createMetrics()

  new Counter({ name: 'answers_total', help: 'Answers.', registers: [metrics] }).inc(3)

  expect(await metrics.metrics()).toContain('answers_total 3')
  expect(await other.metrics()).not.toContain('answers_total')
})
