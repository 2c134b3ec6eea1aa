// Serving computes with graphs and a kernel what training computed with TF.js. A release carries
// samples of each part, computed by TF.js from real sessions and items (take-parity-samples.ts), and
// whoever loads it computes them again: what differs by more than rounding is refused before it
// answers anyone.
import { openGraph } from '#shared/graphs/open-graph.ts'
import { noChildren } from '#shared/itemids/trie.ts'
import type { NamedArray, NamedArrays } from '#shared/model/safetensors.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { rowsByNumber } from './item-vectors.ts'
import type { EncoderInput } from './session-encoder.ts'
import type { SessionGraph } from './session-states.ts'
import { decodeSession, dot, type TokenDecoder } from './token-decoder.ts'

/** The most by which a number may differ: TF.js and ONNX Runtime add in another order. */
export const parityTolerance = 1e-4

/** The parts of serving that are held to training. */
export interface ServedParts {
  readonly sessions: SessionGraph
  /** Bytes of the item encoder's graph. */
  readonly itemGraph: Uint8Array
  readonly decoder: TokenDecoder
}

/**
 * Computes every sample again.
 *
 * @param samples as takeParitySamples made them.
 * @throws RecommenderError RELEASE_CORRUPT naming the part that differs.
 */
export async function checkParity(parts: ServedParts, samples: NamedArrays): Promise<void> {
  const states = await parts.sessions.encode(sessionsOf(samples))
  compare('session encoder', concat(states), samples['sessions.states'])
  compare('item encoder', await encodeItems(parts.itemGraph, samples), samples['items.vectors'])
  compare('decoder', nodeScores(parts.decoder, states, samples), samples['decoder.scores'])
  compare('dense scores', denseScores(parts.decoder, states, samples), samples['dense.scores'])
}

function sessionsOf(samples: NamedArrays): EncoderInput[] {
  let end = 0
  return Array.from(integers(samples, 'sessions.lengths'), length => {
    const start = end
    end += length
    const column = (name: string) => integers(samples, `sessions.${name}`).subarray(start, end)
    return { items: column('items'), types: column('types'), gaps: column('gaps') }
  })
}

async function encodeItems(bytes: Uint8Array, samples: NamedArrays): Promise<Float32Array> {
  const graph = await openGraph('item-encoder.onnx', bytes)
  try {
    const [key, metadata] = [samples['items.key']!, samples['items.metadata']!]
    return await graph.run({ key, ...(metadata.values.length > 0 && { metadata }) })
  } finally {
    await graph.close()
  }
}

/** Of the children of each sampled node, for the session that it was sampled for. */
function nodeScores(
  decoder: TokenDecoder,
  states: readonly Float32Array[],
  samples: NamedArrays
): Float64Array {
  const nodes = integers(samples, 'decoder.nodes')
  const perSession = nodes.length / states.length
  const children = noChildren()
  return concat(
    states.flatMap((state, s) => {
      const scorer = decodeSession(decoder, state)
      return Array.from(nodes.subarray(s * perSession, (s + 1) * perSession), node => {
        decoder.trie.readChildren(node, children)
        const scores = new Float64Array(children.count)
        scorer.scoreChildren(node, children, scores)
        return scores
      })
    })
  )
}

/** Of the first items of the catalogue, for each session. */
function denseScores(
  { vectors, vectorRows = rowsByNumber }: TokenDecoder,
  states: readonly Float32Array[],
  samples: NamedArrays
): Float64Array {
  const perSession = (samples['dense.scores']?.values.length ?? 0) / states.length
  return concat(
    states.map(state =>
      Float64Array.from({ length: perSession }, (_, item) =>
        dot(state, vectors, vectorRows.of(item) * state.length)
      )
    )
  )
}

function concat(parts: readonly (Float32Array | Float64Array)[]): Float64Array {
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0))
  parts.reduce((place, part) => {
    all.set(part, place)
    return place + part.length
  }, 0)
  return all
}

function integers(samples: NamedArrays, name: string): Int32Array {
  const values = samples[name]?.values
  if (values instanceof Int32Array) return values
  throw new RecommenderError('RELEASE_CORRUPT', `the parity samples have no ${name}`)
}

function compare(
  part: string,
  now: Float32Array | Float64Array,
  expected: NamedArray | undefined
): void {
  const before = expected?.values
  const isNear = (value: number, i: number) => Math.abs(value - before![i]!) <= parityTolerance
  if (before && before.length > 0 && now.length === before.length && now.every(isNear)) return
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    `the ${part} of the release computes something else than its training did; train again`
  )
}
