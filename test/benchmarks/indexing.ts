// Item-ID schemes beside each other: one encoder, the same budget and protocol, only the IDs differ
//
// npm run bench -- indexing --dataset PATH_OR_NAME [--schemes a,b] [--seeds 3 | --seed 2] [--epochs N]
//   [--cold 0.02 | --cold 0] [--questions N] [--report FILE.md] [--json]
// npm run bench -- indexing --scale 100000 [--schemes collaborative,residual-kmeans]
//
// The encoder is trained once for each seed, and once more with the clicks of some items taken away,
// which measures what placing them by metadata is worth. With --report a page, its plot and the same
// as JSON are written after each scheme, and the encoders are kept in FILE.encoders/: the same command
// goes on where it was interrupted, and one with other schemes or seeds adds to the page. Remove the
// JSON to begin anew. --scale indexes a catalogue that is made up and measures time alone.

import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import { compareSchemes } from './indexing/compare-schemes.ts'
import type { SchemeResult } from './indexing/measure-scheme.ts'
import { paperFigures } from './indexing/paper-figures.ts'
import { indexAtScale } from './indexing/scale.ts'
import { mean, summarise } from './indexing/summarise.ts'
import type { BenchOptions, Figure, Wanted } from './report.ts'

const defaultScheme: Scheme = 'residual-kmeans'

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  if (options.scale) return indexAtScale(Number(options.scale), schemesOf(options))
  const dataset = String(options.dataset ?? 'amazon-beauty-2014')
  const bundled = join('services', 'nextrie', 'data', dataset)
  const places = [resolve(dataset), join('..', 'shared', 'data', dataset), bundled]
  const folder = places.find(existsSync)
  if (!folder) {
    process.stderr.write(
      `SKIPPED: there is no data set ${dataset} here; give the path of its folder\n`
    )
    return []
  }
  const { results } = await compareSchemes({
    folder,
    dataset: basename(folder),
    schemes: schemesOf(options) ?? schemes,
    seeds: seedsOf(options),
    epochs: options.epochs ? Number(options.epochs) : undefined,
    mostQuestions: options.questions ? Number(options.questions) : undefined,
    coldShare: Number(options.cold ?? 0.02),
    report: options.report === undefined ? undefined : String(options.report),
    command: commandOf(options),
    date: new Date().toISOString().slice(0, 10)
  })
  return results.length > 0 ? figuresOf(basename(folder), results) : []
}

function schemesOf({ schemes: asked }: BenchOptions): readonly Scheme[] | undefined {
  if (asked === undefined) return undefined
  const names = String(asked).split(',')
  const unknown = names.filter(name => !(schemes as readonly string[]).includes(name))
  if (unknown.length === 0) return names as Scheme[]
  throw new Error(`there is no scheme ${unknown.join()}: choose of ${schemes.join(', ')}`)
}

function seedsOf({ seed, seeds = '1' }: BenchOptions): readonly number[] {
  if (seed) return String(seed).split(',').map(Number)
  return Array.from({ length: Number(seeds) }, (_, i) => i + 1)
}

function commandOf(options: BenchOptions): string {
  const words = Object.entries(options).map(([name, value]) =>
    value === true ? `--${name}` : `--${name} ${value}`
  )
  return ['npm run bench -- indexing', ...words].join(' ')
}

/** A figure for each number of each scheme, means over the seeds. */
export function figuresOf(dataset: string, results: readonly SchemeResult[]): Figure[] {
  const paper = paperFigures[dataset]
  return summarise(results).flatMap(row => {
    const figure = (name: string, unit: string, value: number, wanted?: Wanted): Figure => ({
      name: `${row.scheme}, ${name}`,
      value,
      unit,
      ...(wanted && { wanted })
    })
    const beyond = (least: number | undefined): Wanted | undefined =>
      least !== undefined && row.scheme === defaultScheme
        ? { of: 'value', atLeast: least }
        : undefined
    const quality = (['generator', 'final'] as const).flatMap(part => [
      ...([5, 10] as const).flatMap(k => [
        figure(
          `${part} Recall@${k}`,
          `Recall@${k}`,
          mean(row.runs.map(run => run[part].all.recall[k])),
          part === 'generator' && k === 10 ? beyond(paper?.recall) : undefined
        ),
        figure(
          `${part} NDCG@${k}`,
          `NDCG@${k}`,
          mean(row.runs.map(run => run[part].all.ndcg[k])),
          part === 'generator' && k === 10 ? beyond(paper?.ndcg) : undefined
        )
      ]),
      ...Object.entries(row.runs[0]![part].byFrequency).map(([bucket, { targets }]) =>
        figure(
          `${part} Recall@10 of ${targets} targets ${bucket}`,
          'Recall@10',
          mean(row.runs.map(run => run[part].byFrequency[bucket as 'cold'].recall[10]))
        )
      )
    ])
    const facts = row.runs[0]!
    const cold = row.runs.flatMap(run => (run.cold ? [run.cold] : []))
    return [
      ...quality,
      figure('codes of an ID', 'codes', facts.tokens),
      figure('depth', 'levels', facts.depth),
      figure('vocabulary', 'codes', facts.vocabulary),
      figure('items that share an ID', 'items', facts.duplicates, { of: 'value', atMost: 0 }),
      figure('assigning IDs', 's', mean(row.runs.map(run => run.assignSeconds))),
      figure('training decoder and ranking', 's', mean(row.runs.map(run => run.trainSeconds))),
      figure('beam of 30', 'decoder calls', mean(row.runs.map(run => run.beamCalls))),
      figure('exact top ten', 'decoder calls', mean(row.runs.map(run => run.exactCalls))),
      figure('placing a new item', 'µs', mean(row.runs.map(run => run.placeMicroseconds)), {
        of: 'value',
        atMost: 1000
      }),
      ...(cold.length > 0
        ? [
            figure(
              `cold Recall@10 of ${cold[0]!.targets} targets`,
              'Recall@10',
              mean(cold.map(({ recallAt10 }) => recallAt10))
            ),
            figure(
              'cold, first of the cold items alone',
              'Recall@1',
              mean(cold.map(({ firstOfCold }) => firstOfCold))
            )
          ]
        : [])
    ]
  })
}
