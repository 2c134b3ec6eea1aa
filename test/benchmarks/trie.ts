// The trie: bytes an item, building, changing it, and masking a decoding step beside other ways
//
// --items 1e4,1e5 (default), up to 1e7; --depth 3,4. IDs are random and distinct, 256 codes a level.
// trie-masks.ts says what is timed: at every level below the root, for prefixes of random items, as a
// median of many steps, none of them for the same prefixes. "With changes" is the trie after as many
// inserts as its log holds, so nearly every node has changed, and most are read for the first time,
// which merges their children. What *follow* is held against is as many bare reads at random places of
// an array as large as the column that says where children begin. Where Maps would take gigabytes they
// are left out.
//
// Growth is told twice. Of a whole decoding step that follows the trie (one without a mask, and *follow*,
// added up) beside one without a mask: what masking costs, and this is to be flat. And of each part alone,
// in microseconds, which grow for reasons that no layout removes: bare reads slow down once the nodes
// outgrow the caches, and a dense mask or a step writes as many scores as a prefix has continuations, 1 in
// a sparse catalogue and 152 in a full one. For the same reason a dense mask is little quicker than that of
// a Map of Maps: both spend their time on these writes, which a decoder spares that scores what follows.
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import type { Trie, TrieView } from '#shared/itemids/trie.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { BenchOptions, Figure } from './report.ts'
import {
  buildMaps,
  codesPerLevel,
  type Masking,
  maskByMaps,
  maskBySortedIds,
  maskByTrie,
  numberOf,
  type Scores,
  stepWithoutMask
} from './trie-masks.ts'

const beams = [20, 50, 70]
/** Maps take some 250 bytes each. */
const mostMaps = 2_000_000
const [leastTimes, leastMs] = [40, 20]
/** Steps that are timed together: one alone is near what the clock can tell. */
const stepsAtOnce = 16

interface Size {
  readonly items: number
  readonly depth: number
  readonly name: string
}

export async function run({ items = '1e4,1e5', depth = '3,4' }: BenchOptions): Promise<Figure[]> {
  const depths = String(depth).split(',').map(Number)
  const counts = String(items).split(',').map(Number)
  for (const levels of depths) figuresOf({ items: 3000, depth: levels, name: 'until compiled' })
  return depths.flatMap(levels => {
    const sizes = counts.map(count => ({
      items: count,
      depth: levels,
      name: `${count.toExponential().replace('+', '')} IDs, L ${levels}`
    }))
    const masks = sizes.map(figuresOf)
    return [...masks.flatMap(({ figures }) => figures), ...growth(masks.map(({ times }) => times))]
  })
}

function figuresOf(size: Size) {
  const itemIds = randomIds(size)
  const [trie, buildMs] = timed(() => buildTrie(itemIds))
  const writer = new TrieWriter(trie)
  const { name } = size
  const { base, changes, port } = writer.addReader()
  port.close()
  const figures: Figure[] = [
    {
      name: `memory, ${name}`,
      value: (base.byteLength + changes.byteLength) / size.items,
      unit: 'bytes/item',
      wanted: { of: 'value', atMost: 40 }
    },
    { name: `build, ${name}`, value: buildMs, unit: 'ms' },
    ...changeFigures(writer, size)
  ]
  const { masked, times } = maskFigures(itemIds, { trie, changed: writer.view, name })
  writer.close()
  return { figures: [...figures, ...masked], times }
}

/** As many inserts as the log holds and one more: what they cost includes one fold. */
function changeFigures(writer: TrieWriter, { items, depth, name }: Size): Figure[] {
  const { base } = writer.view
  const inserts: number[] = []
  let foldMs = 0
  for (let n = 0; inserts.length < 2 * items + 2048; n++) {
    const codes = codesAt(items + n, depth)
    const before = writer.view.base
    const [, ms] = timed(() => writer.insert(items + n, codes))
    inserts.push(1000 * ms)
    if (before === base && writer.view.base !== base) {
      foldMs = ms
      break
    }
  }
  const mean = inserts.reduce((sum, microseconds) => sum + microseconds, 0) / inserts.length
  const changes = inserts.length - 1
  for (let n = 0; n < changes; n++) {
    writer.insert(items + changes + 1 + n, codesAt(items + changes + 1 + n, depth))
  }
  const [, removeMs] = timed(() => {
    for (let n = 0; n < 100; n++) writer.remove(n)
  })
  const limit = { of: 'value', atMost: 50 } as const
  const steady = inserts.slice(0, -1).sort((a, b) => a - b)
  return [
    { name: `insert, mean with a fold, ${name}`, value: mean, unit: 'µs', wanted: limit },
    {
      name: `insert, p99, ${name}`,
      value: steady[Math.floor(0.99 * steady.length)]!,
      unit: 'µs',
      wanted: limit
    },
    { name: `remove, mean, ${name}`, value: 10 * removeMs, unit: 'µs', wanted: limit },
    { name: `fold, ${name}`, value: foldMs, unit: 'ms' }
  ]
}

interface Masked {
  readonly trie: Trie
  readonly changed: TrieView
  readonly name: string
}

function maskFigures(itemIds: ItemIds, { trie, changed, name }: Masked) {
  const { codes, depth } = itemIds
  const random = createRandom(7)
  const all = Float32Array.from({ length: Math.max(...beams) * codesPerLevel }, random.normal)
  const scores: Scores = { all, allowed: new Float32Array(all.length) }
  const ids = Uint32Array.from({ length: codes.length / depth }, (_, item) =>
    numberOf(codes.subarray(item * depth, (item + 1) * depth))
  ).sort()
  const isSmall = trie.itemCount.length < mostMaps
  const others: [string, Masking][] = [
    ...(isSmall ? [['Map of Maps', maskByMaps(buildMaps(codes, depth), scores)] as const] : []),
    ['sorted IDs', maskBySortedIds(ids, depth, scores)]
  ].map(([by, masking]) => [by, masking] as [string, Masking])
  const times: Times = new Map()
  const masked = beams.flatMap((beam): Figure[] => {
    const time = (masking: Masking) => maskMicroseconds(masking, { codes, depth, beam })
    const byTrie = time(maskByTrie(trie, scores))
    const byChanged = time(maskByTrie(changed, scores))
    const besides = others.map(([by, masking]) => [by, time(masking)] as const)
    const withoutMask = medianMicroseconds(() => stepWithoutMask(scores, beam))
    times.set(beam, { ...byTrie, withoutMask })
    const reference = {
      follow: { by: 'trie (reference: bare reads)', value: memoryLimit(trie.firstChild, beam) },
      mask: { by: 'trie (reference: a step without mask)', value: withoutMask },
      step: { by: 'trie (reference: a step without mask)', value: withoutMask }
    }
    const row = (act: Act, by: string, value: number, facts: Partial<Figure>): Figure => {
      return { name: `${act} by ${by}, beam ${beam}, ${name}`, value, unit: 'µs/step', ...facts }
    }
    return [
      ...acts.flatMap(act => [
        row(act, reference[act].by, byTrie[act], { reference: reference[act].value }),
        row(act, 'trie with changes', byChanged[act], { reference: byTrie[act] }),
        ...besides.map(([by, other]) =>
          row(act, by, other[act], {
            reference: byTrie[act],
            ...(act === 'follow' && { wanted: { of: 'ratio', atLeast: 2 } as const })
          })
        )
      ]),
      {
        name: `decoding step that follows the trie (reference: without mask), beam ${beam}, ${name}`,
        value: withoutMask + byTrie.follow,
        unit: 'µs/step',
        reference: withoutMask,
        wanted: { of: 'ratio', atMost: 1.05 }
      }
    ]
  })
  return { masked, times }
}

const acts = ['follow', 'mask', 'step'] as const
type Act = (typeof acts)[number]
/** Microseconds of a step, by beam. */
type Times = Map<number, Readonly<Record<Act | 'withoutMask', number>>>

/** The largest size beside the smallest. */
function growth(times: readonly Times[]): Figure[] {
  const [smallest, largest] = [times[0], times.at(-1)]
  if (!smallest || !largest || smallest === largest) return []
  const withMask = (of: Times, beam: number) => {
    const { follow, withoutMask } = of.get(beam)!
    return (withoutMask + follow) / withoutMask
  }
  return [
    ...beams.map(beam => ({
      name: `decoding step that follows the trie, beam ${beam}, largest beside smallest`,
      value: withMask(largest, beam),
      unit: 'of a step without mask',
      reference: withMask(smallest, beam),
      wanted: { of: 'ratio', atMost: 1.05 } as const
    })),
    ...acts.flatMap(act =>
      beams.map(beam => ({
        name: `${act} by trie, beam ${beam}, largest beside smallest`,
        value: largest.get(beam)![act],
        unit: 'µs/step',
        reference: smallest.get(beam)![act]
      }))
    )
  ]
}

interface Beam {
  readonly codes: Int32Array
  readonly depth: number
  readonly beam: number
}

function maskMicroseconds(masking: Masking, beam: Beam): Record<Act, number> {
  return {
    follow: meanOverLevels(beam, prefixes => masking(prefixes).follow),
    mask: meanOverLevels(beam, prefixes => masking(prefixes).mask),
    step: meanOverLevels(beam, prefixes => masking(prefixes).step)
  }
}

/** Mean over the levels below the root. @param prepare gives what is timed for some prefixes. */
function meanOverLevels(
  { codes, depth, beam }: Beam,
  prepare: (prefixes: readonly (readonly number[])[]) => () => unknown
): number {
  const random = createRandom(beam)
  const prefixOf = (item: number, length: number) =>
    Array.from(codes.subarray(item * depth, item * depth + length))
  const count = codes.length / depth
  let sum = 0
  for (let length = 1; length < depth; length++) {
    // Not the first hundred items, which the changed trie has lost.
    const draw = () => prefixOf(100 + random.integer(count - 100), length)
    sum += medianMicroseconds(() => prepare(Array.from({ length: beam }, draw)))
  }
  return sum / (depth - 1)
}

/** As many reads at random places as a step has prefixes: no trie of this size can be quicker. */
function memoryLimit(column: Int32Array, beam: number): number {
  const random = createRandom(beam)
  const found = new Int32Array(beam)
  return medianMicroseconds(() => {
    const places = Int32Array.from({ length: beam }, () => random.integer(column.length - 1))
    return () => {
      for (let b = 0; b < beam; b++) found[b] = column[places[b]!]!
    }
  })
}

function medianMicroseconds(prepare: () => () => unknown): number {
  for (let n = 0; n < 200; n++) prepare()() // until compiled
  const times: number[] = []
  let spentMs = 0
  while (times.length < leastTimes || spentMs < leastMs) {
    const steps = Array.from({ length: stepsAtOnce }, prepare)
    const [, ms] = timed(() => {
      for (const step of steps) step()
    })
    times.push((1000 * ms) / stepsAtOnce)
    spentMs += ms
    if (times.length >= 3 * leastTimes) break
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

function timed<T>(action: () => T): [T, number] {
  const startedAt = performance.now()
  const result = action()
  return [result, performance.now() - startedAt]
}

function randomIds({ items, depth }: Size): ItemIds {
  const codes = new Int32Array(items * depth)
  for (let item = 0; item < items; item++) codes.set(codesAt(item, depth), item * depth)
  const levelSizes = Array.from({ length: depth }, () => codesPerLevel)
  return { scheme: 'residual-kmeans', depth, levelSizes, codes }
}

/** ID of a number: distinct for distinct ones, since each line can be undone. */
function codesAt(item: number, depth: number): number[] {
  const bits = 8 * depth
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1
  let id = item
  for (const odd of [0x2c1b3c6d, 0x297a2d39]) {
    id = (id ^ (id >>> (bits / 2))) >>> 0
    id = (Math.imul(id, odd) & mask) >>> 0
  }
  id = (id ^ (id >>> (bits / 2))) >>> 0
  return Array.from({ length: depth }, (_, level) => (id >>> (bits - 8 * (level + 1))) & 255)
}
