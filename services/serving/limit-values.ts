// Bounds how many values a request may hold before its schema looks at them: the check names every fault,
// and makes one for each of a million wrong elements, also of a list that is too long as a whole.

import { type FieldFault, sendFieldFaults } from './problem.ts'
import type { App } from './serving-parts.ts'

/** Of any depth. A question with all the keys it may have has 1,200, and a filter is written by people. */
export const mostValues = 10_000

/** For every route whose body the schema checks; the others check theirs part by part. */
export function limitValues(app: App): void {
  app.addHook('onRoute', route => {
    if (!route.schema?.body || route.validatorCompiler) return
    route.preValidation = [route.preValidation ?? []].flat().concat(async (request, reply) => {
      const fault = tooManyValues(request.body, 'body')
      return fault && sendFieldFaults(reply, [fault])
    })
  })
}

/** @param name of the part of the request that the value is. */
export function tooManyValues(value: unknown, name: string): FieldFault | undefined {
  const left: unknown[] = [value]
  for (let seen = 1; left.length > 0; ) {
    const each = left.pop()
    if (typeof each !== 'object' || each === null) continue
    const parts = Object.values(each)
    seen += parts.length
    if (seen > mostValues) return { field: name, message: `has more than ${mostValues} values` }
    left.push(...parts)
  }
  return undefined
}
