// What all routes that answer with items share in one application.
import type { Counter } from '#shared/runtime/metrics.ts'
import { type AttributeNames, createAttributeNames } from '../attribute-names.ts'
import { countSources } from '../request-metrics.ts'
import type { ServingParts } from '../serving-parts.ts'

export interface AnsweringTools {
  /** Items answered, by source. */
  readonly sources: Counter<'source'>
  readonly attributeNames: AttributeNames
}

export function answeringTools({ metrics, pool }: ServingParts): AnsweringTools {
  return { sources: countSources(metrics), attributeNames: createAttributeNames(pool) }
}
