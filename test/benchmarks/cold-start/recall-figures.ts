// What was recommended of cold and of known targets, beside random items, the nearest and the literature.
import type { Item } from '#shared/catalog/item.ts'
import type { BenchSet } from '../quality/load-set.ts'
import type { SplitDataset } from '../quality/read-dataset.ts'
import type { Figure } from '../report.ts'
import type { Answer, Question } from './ask.ts'
import type { Nearest } from './nearest-items.ts'

/** LIGER (arXiv 2411.18814) on Amazon Beauty, Recall@10: known and cold targets. */
const liger = { known: 0.0745, cold: 0.1008 }

export interface Drawn {
  readonly cold: ReadonlySet<string>
  readonly coldItems: readonly Item[]
  /** The data set as training reads it. */
  readonly known: SplitDataset
  readonly questions: readonly Question[]
}

/** To the same questions, before the cold items were onboarded and after. */
export interface Answers {
  readonly before: readonly Answer[]
  readonly after: readonly Answer[]
}

export function recallFigures(
  { drawn, loaded }: { readonly drawn: Drawn; readonly loaded: BenchSet },
  { before, after }: Answers,
  nearest: Nearest
): Figure[] {
  const { cold, questions, coldItems } = drawn
  const items = loaded.set.items.length + coldItems.length
  const isKnown = (key: string) => !cold.has(key)
  const isBeauty = loaded.name === 'amazon-beauty-2014'
  const recall = (wants: (target: string) => boolean, keysOf: (question: number) => string[]) => {
    const chosen = [...questions.keys()].filter(q => wants(questions[q]!.target))
    const hits = chosen.filter(q => keysOf(q).includes(questions[q]!.target)).length
    return { value: hits / chosen.length, count: chosen.length }
  }
  const servedBy = (answers: readonly Answer[]) => (q: number) =>
    answers[q]!.items.map(({ item }) => item)
  const served = servedBy(after)
  const near = (q: number) => nearest(questions[q]!.clicks.at(-1)!.itemKey, 10)
  const groups = [
    ['cold', (key: string) => cold.has(key)],
    ['known', isKnown]
  ] as const
  const figures = groups.flatMap(([name, wants]): Figure[] => {
    const { value, count } = recall(wants, served)
    const anchor = liger[name]
    return [
      { name: `${name} targets asked for`, value: count, unit: 'targets' },
      {
        name: `${name} targets, beside random items`,
        value,
        unit: 'Recall@10',
        reference: 10 / items
      },
      {
        name: `${name} targets, beside the nearest by metadata`,
        value,
        unit: 'Recall@10',
        reference: recall(wants, near).value
      },
      ...(isBeauty
        ? [
            {
              name: `${name} targets, beside LIGER`,
              value,
              unit: 'Recall@10',
              reference: anchor,
              wanted: { of: 'ratio', atLeast: 1 } as const
            }
          ]
        : [])
    ]
  })
  const shown = after.flatMap(answer => answer.items)
  const isCold = ({ item }: { item: string }) => cold.has(item)
  const share = shown.filter(isCold).length / shown.length
  return [
    { name: 'items onboarded', value: coldItems.length, unit: 'items' },
    ...figures,
    {
      name: 'known targets, against the same questions before the cold items came',
      value: recall(isKnown, served).value,
      unit: 'Recall@10',
      reference: recall(isKnown, servedBy(before)).value
    },
    {
      name: 'cold items among the answers',
      value: share,
      unit: 'share',
      reference: coldItems.length / items
    }
  ]
}
