// What a benchmark reports, as a table for people and as one JSON object for programs.
import { textTable } from '#services/nextrie/text-table.ts'

/** One measured number, and what it is held against. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** 'ms', 'requests/s', 'Recall@10', … */
  readonly unit: string
  /** The same quantity of what we compare with, measured in the same run or published. */
  readonly reference?: number
  readonly wanted?: Wanted
}

/** A bound for the value, or for the value divided by its reference. */
export interface Wanted {
  readonly of: 'value' | 'ratio'
  readonly atLeast?: number
  readonly atMost?: number
}

/** What follows on the command line: `--items 1000 --quick` is { items: '1000', quick: true }. */
export type BenchOptions = Readonly<Record<string, string | true>>

export interface BenchReport {
  readonly bench: string
  readonly options: BenchOptions
  readonly seconds: number
  readonly figures: readonly JudgedFigure[]
}

/** `null` stands where there is no reference or nothing is wanted. */
export interface JudgedFigure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly reference: number | null
  readonly ratio: number | null
  readonly wanted: Wanted | null
  readonly holds: boolean | null
}

/** Divides by the reference and compares with what is wanted; NaN never holds. */
export function judge({ name, value, unit, reference, wanted }: Figure): JudgedFigure {
  const ratio = reference === undefined ? null : value / reference
  const bounded = wanted?.of === 'ratio' ? ratio : value
  const { atLeast = -Infinity, atMost = Infinity } = wanted ?? {}
  const holds = wanted ? bounded !== null && bounded >= atLeast && bounded <= atMost : null
  return { name, value, unit, reference: reference ?? null, ratio, wanted: wanted ?? null, holds }
}

export function reportText({ bench, options, seconds, figures }: BenchReport): string {
  const settings = Object.entries(options).map(([name, value]) => ` --${name} ${value}`)
  const rows = figures.map(({ name, value, unit, reference, ratio, wanted, holds }) => [
    name,
    short(value),
    unit,
    short(reference),
    short(ratio),
    wanted ? describeWanted(wanted) : '',
    holds === null ? '' : holds ? 'yes' : 'NO'
  ])
  const headings = ['figure', 'value', 'unit', 'reference', 'ratio', 'wanted', 'holds']
  return `${bench}${settings.join('')}: ${seconds.toFixed(1)} s\n\n${textTable(headings, rows)}`
}

/** Four significant digits, with no exponent in between. */
function short(value: number | null): string {
  if (value === null) return ''
  return Number.isInteger(value) || Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en')
    : value.toPrecision(4)
}

function describeWanted({ of, atLeast, atMost }: Wanted): string {
  const bounds = [
    atLeast === undefined ? '' : `≥ ${atLeast}`,
    atMost === undefined ? '' : `≤ ${atMost}`
  ]
  return [of === 'ratio' ? 'ratio' : '', ...bounds].filter(Boolean).join(' ')
}
