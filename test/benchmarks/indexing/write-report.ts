// The comparison as a page that can be read: FILE.md with its plot beside it, FILE.svg.
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { frequencyBuckets } from '../quality/place-metrics.ts'
import type { Comparison } from './comparison-record.ts'
import { paperFigures } from './paper-figures.ts'
import { plotSchemes } from './plot-schemes.ts'
import { deviation, mean, type SchemeSummary, summarise } from './summarise.ts'

/** @param base FILE, which gets .md and .svg. */
export function writePage(base: string, comparison: Comparison): void {
  const rows = summarise(comparison.results)
  const paper = paperFigures[comparison.settings.dataset]
  writeFileSync(`${base}.svg`, plotSchemes(rows, paper?.recall))
  writeFileSync(`${base}.md`, page(comparison, rows, `${basename(base)}.svg`))
}

function page(comparison: Comparison, rows: readonly SchemeSummary[], plot: string): string {
  const { settings, starts, results } = comparison
  const cold = rows[0]?.runs[0]?.cold
  const questions = rows[0]?.runs[0]?.generator.all.targets ?? 0
  const commands = starts.map(({ command, date }) => `${command} # ${date}`)
  return `${[
    `# Item-ID schemes on ${settings.dataset}`,
    `${settings.items.toLocaleString('en')} items, ${questions.toLocaleString('en')} test questions, ` +
      `${settings.protocol}; the whole catalogue is ranked. ${settings.recipe.epochs} epochs, ` +
      `${settings.backend} backend:`,
    `\`\`\`sh\n${commands.join('\n')}\n\`\`\``,
    seedsText(results),
    'One encoder for each seed, trained once and shared; only the IDs, the decoder that writes them and ' +
      'the weights of the final ranking differ. Everything was chosen on validation.',
    `![Recall@10 of each scheme](${plot})`,
    '## Quality',
    qualityTable(rows, comparison),
    '## What it costs',
    costTable(rows),
    '## By how often training saw the target',
    'Recall@10 of the generator alone.',
    frequencyTable(rows),
    ...(cold ? ['## Items that nobody clicked', coldText(cold), coldTable(rows)] : []),
    ...impossible(results),
    `Training the encoders took ${encoderText(comparison)}.`,
    ...sameTrees(rows)
  ].join('\n\n')}\n`
}

/** Which seeds were measured, by scheme where they are not the same for all. */
function seedsText(results: Comparison['results']): string {
  const bySeeds = new Map<string, string[]>()
  for (const scheme of new Set(results.map(result => result.scheme))) {
    const seeds = results.filter(result => result.scheme === scheme).map(({ seed }) => seed)
    bySeeds.set(seeds.join(', '), [...(bySeeds.get(seeds.join(', ')) ?? []), scheme])
  }
  const [only, ...others] = bySeeds.keys()
  if (only === undefined) return 'No scheme is measured yet.'
  if (others.length === 0) return `Seeds: ${only}.`
  return [...bySeeds].map(([seeds, names]) => `Seeds of ${names.join(', ')}: ${seeds}.`).join(' ')
}

function encoderText({ encoderSeconds }: Comparison): string {
  return Object.entries(encoderSeconds)
    .map(([name, seconds]) => `${seconds.toFixed(0)} s (${name})`)
    .join(', ')
}

function qualityTable(rows: readonly SchemeSummary[], { settings }: Comparison): string {
  const paper = paperFigures[settings.dataset]
  const parts = ['generator', 'final'] as const
  const metrics = [
    ['Recall@5', 'recall', 5],
    ['NDCG@5', 'ndcg', 5],
    ['Recall@10', 'recall', 10],
    ['NDCG@10', 'ndcg', 10]
  ] as const
  const head = [
    'scheme',
    ...metrics.map(([name]) => name),
    ...metrics.map(([name]) => `final ${name}`)
  ]
  const body = rows.map(({ scheme, runs }) => [
    scheme,
    ...parts.flatMap(part =>
      metrics.map(([, kind, k]) => spread(runs.map(run => run[part].all[kind][k])))
    )
  ])
  const paperRow = paper
    ? [['*CID+IID as printed*', '', '', score(paper.recall), score(paper.ndcg), '', '', '', '']]
    : []
  return table(head, [...body, ...paperRow])
}

function costTable(rows: readonly SchemeSummary[]): string {
  const head = [
    'scheme',
    'codes of an ID',
    'depth',
    'vocabulary',
    'IDs assigned in s',
    'decoder trained in s',
    'calls, beam 30',
    'calls, exact ten',
    'place a new item, µs',
    'duplicates'
  ]
  const body = rows.map(({ scheme, runs }) => {
    const of = (fact: (run: (typeof runs)[number]) => number) => mean(runs.map(fact))
    return [
      scheme,
      of(run => run.tokens).toFixed(2),
      String(runs[0]!.depth),
      Math.round(of(run => run.vocabulary)).toLocaleString('en'),
      of(run => run.assignSeconds).toFixed(1),
      of(run => run.trainSeconds).toFixed(0),
      of(run => run.beamCalls).toFixed(0),
      of(run => run.exactCalls).toFixed(0),
      of(run => run.placeMicroseconds).toFixed(0),
      String(of(run => run.duplicates))
    ]
  })
  return table(head, body)
}

function frequencyTable(rows: readonly SchemeSummary[]): string {
  const counts = rows[0]?.runs[0]?.generator.byFrequency
  const head = frequencyBuckets.map(([name]) => `${name} (${counts?.[name].targets ?? 0} targets)`)
  const body = rows.map(({ scheme, runs }) => [
    scheme,
    ...frequencyBuckets.map(([name]) =>
      spread(runs.map(run => run.generator.byFrequency[name].recall[10]))
    )
  ])
  return table(['scheme', ...head], body)
}

function coldText({
  items,
  targets
}: {
  readonly items: number
  readonly targets: number
}): string {
  return (
    `A second encoder is trained without the clicks on ${items} items drawn at random; they are placed by ` +
    `their metadata. Test clicks on them (${targets} under the first seed): how many the generator alone ` +
    'has among its first ten of the whole catalogue, and as the first where those items alone may be shown. ' +
    'Title, semantic and elaborative read the words and categories of these items when IDs are made, as the ' +
    'catalogue is known then.'
  )
}

function coldTable(rows: readonly SchemeSummary[]): string {
  const body = rows.map(({ scheme, runs }) => [
    scheme,
    spread(runs.map(run => run.cold!.recallAt10)),
    spread(runs.map(run => run.cold!.firstOfCold))
  ])
  return table(['scheme', 'Recall@10 in all', 'Recall@1 among cold'], body)
}

function impossible(results: Comparison['results']): string[] {
  const failed = results.filter(result => 'impossible' in result)
  const lines = new Map(failed.map(({ scheme, impossible: reason }) => [scheme, reason]))
  if (lines.size === 0) return []
  const list = [...lines].map(([scheme, reason]) => `- ${scheme}: ${reason}`).join('\n')
  return [`Schemes that cannot index this catalogue:\n\n${list}`]
}

function sameTrees(rows: readonly SchemeSummary[]): string[] {
  const same = rows.flatMap(({ scheme, runs }) =>
    runs[0]!.sameTreeAs ? [`${scheme} = ${runs[0]!.sameTreeAs}`] : []
  )
  if (same.length === 0) return []
  return [
    `Same cells, measured once: ${same.join(', ')}. The decoder scores a code by the items below it, not by ` +
      'a weight of the code, so that an item’s own last code changes the vocabulary and nothing else.'
  ]
}

function spread(values: readonly number[]): string {
  return values.length > 1
    ? `${score(mean(values))} ± ${score(deviation(values))}`
    : score(mean(values))
}

function score(value: number): string {
  return value.toFixed(4).replace(/^0/, '')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
