// The runs of each scheme over the seeds.
import type { Scheme } from '#shared/itemids/item-ids.ts'
import type { SchemeResult, SchemeRun } from './measure-scheme.ts'

export interface SchemeSummary {
  readonly scheme: Scheme
  /** At least one. */
  readonly runs: readonly SchemeRun[]
}

/** Schemes that ran, in their order. */
export function summarise(results: readonly SchemeResult[]): SchemeSummary[] {
  const ran = results.filter(result => 'run' in result)
  const names = [...new Set(ran.map(({ scheme }) => scheme))]
  return names.map(scheme => ({
    scheme,
    runs: ran.filter(result => result.scheme === scheme).map(({ run }) => run)
  }))
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Sample standard deviation; 0 of a single value. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length - 1))
}
