// Measures one scheme on an encoder that is trained: its IDs, the decoder that writes them, the
// ranking, and where new items go.
import { createHash } from 'node:crypto'
import type { SettledRecipe } from '#services/trainer/config.ts'
import type { Reporter, TrainedEncoder } from '#services/trainer/train-encoder.ts'
import { assignIds, finishModel } from '#services/trainer/train-model.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import type { AssignedIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { lengthsOf } from '#shared/itemids/id-statistics.ts'
import type { ItemIds, Scheme } from '#shared/itemids/item-ids.ts'
import { createPlacer } from '#shared/itemids/place-item.ts'
import { TrieOverlay } from '#shared/itemids/trie-overlay.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type ColdQuality, type ColdSet, coldQuality } from './cold-start.ts'
import { type SearchQuality, searchQuality } from './search-quality.ts'

/** What a scheme did under one seed, or why it cannot index this catalogue. */
export type SchemeResult = { readonly scheme: Scheme; readonly seed: number } & (
  | { readonly run: SchemeRun }
  | { readonly impossible: string }
)

export interface SchemeRun extends SearchQuality {
  /** Codes of an ID that are not filling, a mean. */
  readonly tokens: number
  readonly depth: number
  readonly vocabulary: number
  readonly duplicates: number
  /** Says which items share which prefixes: all but the numbers of codes. */
  readonly cells: string
  readonly assignSeconds: number
  readonly trainSeconds: number
  readonly placeMicroseconds: number
  readonly cold?: ColdQuality
  /** An earlier scheme with the same cells. The decoder reads no code, so that its figures are these too. */
  readonly sameTreeAs?: Scheme
}

/** A data set, the encoder trained on it, and how. */
export interface EncodedSet {
  readonly set: TrainingSet
  readonly encoder: TrainedEncoder
  readonly recipe: SettledRecipe
}

export interface MeasuringContext {
  readonly seed: number
  readonly report: Reporter
  readonly log: Logger
  readonly mostQuestions: number | undefined
  readonly cold: ColdSet | undefined
  /** Of other schemes under this seed. */
  readonly earlier: readonly SchemeResult[]
}

export async function measureScheme(
  scheme: Scheme,
  { set, encoder, recipe }: EncodedSet,
  { mostQuestions, cold, earlier, ...others }: MeasuringContext
): Promise<SchemeResult> {
  const { seed, report } = others
  const own = { ...others, recipe: { ...recipe, scheme } }
  try {
    const [assigned, assignSeconds] = await timed(async () => assignIds(set, encoder, own))
    const facts = { ...idFacts(assigned.itemIds), assignSeconds }
    const same = sameCells(earlier, facts.cells)
    if (same) return { scheme, seed, run: { ...same.run, ...facts, sameTreeAs: same.scheme } }
    const [trained, trainSeconds] = await timed(() =>
      finishModel(set, encoder, { ...own, assigned })
    )
    const run: SchemeRun = {
      ...facts,
      trainSeconds,
      ...searchQuality(loadModel(trained), set, { most: mostQuestions, report }),
      placeMicroseconds: placeMicroseconds(assigned, encoder, set),
      ...(cold && { cold: await coldQuality(cold, own) })
    }
    return { scheme, seed, run }
  } catch (error) {
    if (!(error instanceof RecommenderError)) throw error
    return { scheme, seed, impossible: error.message }
  }
}

function sameCells(earlier: readonly SchemeResult[], cells: string) {
  return earlier
    .filter(result => 'run' in result)
    .find(({ run }) => run.cells === cells && run.sameTreeAs === undefined)
}

function idFacts(itemIds: ItemIds) {
  const { codes, depth, levelSizes } = itemIds
  const ids = new Set<string>()
  for (let start = 0; start < codes.length; start += depth) {
    ids.add(codes.subarray(start, start + depth).join())
  }
  const count = codes.length / depth
  const lengths = [...lengthsOf(itemIds)]
  return {
    tokens: lengths.reduce((sum, [length, items]) => sum + length * items, 0) / count,
    depth,
    vocabulary: levelSizes.reduce((sum, size) => sum + size, 0),
    duplicates: count - ids.size,
    cells: cellsOf(itemIds)
  }
}

function cellsOf({ codes, depth }: ItemIds): string {
  const paths = codes.map((code, at) => (at % depth === depth - 1 ? 0 : code))
  return `${depth} ${createHash('sha256').update(paths).digest('hex')}`
}

/** Median over a thousand items that are described as known ones are. */
function placeMicroseconds(
  { itemIds, placing }: AssignedIds,
  { vectors, config }: TrainedEncoder,
  { items }: TrainingSet
): number {
  const placer = createPlacer(itemIds, placing)
  const taken = new TrieOverlay(buildTrie(itemIds))
  const times = Array.from({ length: 1000 }, (_, n) => {
    const like = n % items.length
    const item = { ...items[like]!, key: `new ${n}` }
    const vector = vectors.subarray(like * config.width, (like + 1) * config.width)
    const number = items.length + n
    const startedAt = performance.now()
    const codes = placer.place({ item, vector, number }, taken)
    const took = 1000 * (performance.now() - startedAt)
    taken.apply({ kind: 'insert', item: number, codes }) // as serving does
    return took
  })
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

async function timed<T>(act: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  const result = await act()
  return [result, (performance.now() - startedAt) / 1000]
}
