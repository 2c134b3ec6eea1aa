// What all routes that answer with items share in one application.
import type { Counter } from '#shared/runtime/metrics.ts'
import { type AttributeNames, createAttributeNames } from '../attribute-names.ts'
import { createKeptAnswers, type KeptAnswers } from '../kept-answers.ts'
import { createKnownScenarios, type KnownScenarios } from '../known-scenarios.ts'
import { countSources, measureKeptAnswers } from '../request-metrics.ts'
import type { ServingParts } from '../serving-parts.ts'

export interface AnsweringTools {
  /** Items answered, by source. */
  readonly sources: Counter<'source'>
  readonly attributeNames: AttributeNames
  readonly scenarios: KnownScenarios
  readonly answers: KeptAnswers
}

export function answeringTools({
  metrics,
  pool,
  scenarios = createKnownScenarios(pool),
  answers = createKeptAnswers(pool)
}: ServingParts): AnsweringTools {
  measureKeptAnswers(answers, metrics)
  return {
    sources: countSources(metrics),
    attributeNames: createAttributeNames(pool),
    scenarios,
    answers
  }
}
