// The manifest of a release: all that is needed to trust it, to load it, and to make it again.
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Grows when an older program can no longer read a release. */
export const manifestFormat = 1

const Metrics = Type.Object({
  method: Type.String(),
  targets: Type.Integer(),
  recallAt10: Type.Number(),
  ndcgAt10: Type.Number(),
  recallAt20: Type.Number(),
  mrrAt20: Type.Number(),
  coverageAt10: Type.Number()
})

export const Manifest = Type.Object({
  format: Type.Literal(manifestFormat),
  releaseId: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  /** Versions of the product, of Node and of TF.js, and the backend that trained. */
  madeWith: Type.Record(Type.String(), Type.String()),
  seed: Type.Integer(),
  /** Everything that was set, by part: training, model, ids, blend. */
  config: Type.Record(Type.String(), Type.Unknown()),
  data: Type.Object({
    /** Log positions, both inclusive. */
    fromPosition: Type.Integer(),
    toPosition: Type.Integer(),
    firstEventAt: Type.String(),
    lastEventAt: Type.String(),
    validationFrom: Type.String(),
    testFrom: Type.String(),
    events: Type.Integer(),
    items: Type.Integer(),
    /** Of the catalogue that was read; items that changed later are news to the release. */
    catalogVersion: Type.Optional(Type.Integer()),
    sessions: Type.Object({
      training: Type.Integer(),
      validation: Type.Integer(),
      test: Type.Integer()
    }),
    /** SHA-256 over the ids of the events read, in log order. */
    eventIdsSha256: Type.String()
  }),
  /** Quality on the test part, measured once; how is told in shared/evaluation/README.md. */
  metrics: Type.Array(Metrics),
  /** A question and the answer that this release must give to it, checked when it is loaded. */
  sample: Type.Object({
    clicked: Type.Array(Type.String()),
    answer: Type.Array(Type.Object({ item: Type.String(), score: Type.Number() }))
  }),
  /** Every other file of the folder. */
  files: Type.Record(Type.String(), Type.Object({ bytes: Type.Integer(), sha256: Type.String() }))
})
export type Manifest = Static<typeof Manifest>

/** @throws RecommenderError RELEASE_CORRUPT naming the first field that is wrong. */
export function parseManifest(text: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RecommenderError('RELEASE_CORRUPT', 'manifest.json is not JSON', { cause })
  }
  const [fault] = Value.Errors(Manifest, value)
  if (fault) {
    const field = fault.instancePath || '/'
    throw new RecommenderError('RELEASE_CORRUPT', `manifest.json: ${field} ${fault.message}`)
  }
  return value as Manifest
}
