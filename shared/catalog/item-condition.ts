// A condition on an item's attributes, as a caller of the API writes it. One plain object for every
// kind, so that a schema can name the field that is at fault: which fields go together is checked by
// conditionFaults.
import type { AttributeValue } from './item.ts'

/** Exactly one of: a test of one attribute, all of, any of, none of. */
export interface ItemCondition {
  /** An item without this attribute fails the test. */
  readonly attribute?: string
  /** The attribute's value, or one of its values where it has a list of them. */
  readonly equals?: string | number | boolean
  /** The same with several values, of which one suffices. */
  readonly in?: readonly (string | number | boolean)[]
  /** A number from here on, this one included. */
  readonly min?: number
  /** A number up to here, this one included. */
  readonly max?: number
  /** All of them. */
  readonly and?: readonly ItemCondition[]
  /** At least one of them. */
  readonly or?: readonly ItemCondition[]
  readonly not?: ItemCondition
}

export interface ConditionFault {
  /** As `and[1].min`; empty for the condition itself. */
  readonly field: string
  readonly message: string
}

const kinds = ['attribute', 'and', 'or', 'not'] as const
const tests = ['equals', 'in', 'min', 'max'] as const

/** What no schema says in words: which fields go together, and which attributes there are. */
export function conditionFaults(
  condition: ItemCondition,
  attributes: ReadonlySet<string>,
  at = ''
): ConditionFault[] {
  const fieldAt = (name: string) => (at ? `${at}.${name}` : name)
  const given = kinds.filter(kind => condition[kind] !== undefined)
  const tested = tests.filter(name => condition[name] !== undefined)
  const { attribute, and, or, not, min, max } = condition
  if (given.length !== 1) {
    const found =
      given.length === 0 ? 'has none of' : `has ${given.join(' and ')}, but must have one of`
    return [{ field: at, message: `${found} ${kinds.join(', ')}` }]
  }
  if (attribute === undefined) {
    const extra = tested.map(name => ({ field: fieldAt(name), message: 'needs an attribute' }))
    const parts = (and ?? or ?? []).flatMap((part, i) =>
      conditionFaults(part, attributes, fieldAt(`${given[0]}[${i}]`))
    )
    return [...extra, ...parts, ...(not ? conditionFaults(not, attributes, fieldAt('not')) : [])]
  }
  const faults: ConditionFault[] = []
  if (!attributes.has(attribute)) {
    const message = `is an attribute of no item; there are ${namesOf(attributes)}`
    faults.push({ field: fieldAt('attribute'), message })
  }
  const isRange = tested.every(name => name === 'min' || name === 'max')
  if (tested.length === 0 || (tested.length > 1 && !isRange)) {
    faults.push({
      field: at,
      message: 'must have equals, or in, or min and max (one of both suffices)'
    })
  }
  if (min !== undefined && max !== undefined && min > max) {
    faults.push({ field: fieldAt('min'), message: 'must not be above max' })
  }
  const values = [condition.equals ?? '', ...(condition.in ?? [])]
  if (!values.every(isStorable)) {
    const field = fieldAt(condition.in ? 'in' : 'equals')
    faults.push({ field, message: 'must be text without NUL characters and half surrogate pairs' })
  }
  return faults
}

/** The attributes that a condition names. */
export function attributesOf({ attribute, and, or, not }: ItemCondition): string[] {
  const parts = [...(and ?? []), ...(or ?? []), ...(not ? [not] : [])]
  return [...(attribute === undefined ? [] : [attribute]), ...parts.flatMap(attributesOf)]
}

/** Whether an item passes: what the SQL of select-items.ts says, in words of this language. */
export function passes(
  attributes: Readonly<Record<string, AttributeValue>>,
  condition: ItemCondition
): boolean {
  const { attribute, and, or, not, min, max } = condition
  if (and) return and.every(part => passes(attributes, part))
  if (or) return or.some(part => passes(attributes, part))
  if (not) return !passes(attributes, not)
  if (attribute === undefined || !Object.hasOwn(attributes, attribute)) return false
  const value = attributes[attribute]!
  const wanted = condition.in ?? (condition.equals === undefined ? undefined : [condition.equals])
  if (wanted) {
    const values: readonly (string | number | boolean)[] = Array.isArray(value) ? value : [value]
    return wanted.some(one => values.includes(one))
  }
  return typeof value === 'number' && value >= (min ?? -Infinity) && value <= (max ?? Infinity)
}

/** Names listed in a fault: a catalogue may have thousands. */
const namesTold = 50

function namesOf(attributes: ReadonlySet<string>): string {
  if (attributes.size === 0) return 'none'
  const names = [...attributes].sort().slice(0, namesTold)
  return names.join(', ') + (attributes.size > namesTold ? ', …' : '')
}

/** What jsonb can hold. */
function isStorable(value: string | number | boolean): boolean {
  return typeof value !== 'string' || !/\0|\p{Surrogate}/u.test(value)
}
