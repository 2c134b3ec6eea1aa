import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTailText, type TailEvent, tailLine } from '#shared/eventlog/tail-text.ts'
import { eventTypes } from '#shared/events/event.ts'

test('a tail is a line for each event, its time first', () => {
  const event: TailEvent = {
    id: 'e\t1',
    type: 'click',
    itemKey: 'A\\13',
    occurredAt: new Date('2026-03-01T09:30:00.123Z')
  }

  expect(lineOf(event)).toBe('2026-03-01T09:30:00.123Z\tclick\te\\t1\tA\\\\13')
})

test('whatever the ids, the text gives back the tail', () => {
  const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
  const event = fc.record({
    id: key,
    type: fc.constantFrom(...eventTypes),
    itemKey: key,
    occurredAt: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  })

  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 50 }), tail => {
      expect(readTailText(tail.map(lineOf).join('\n'))).toEqual(tail)
    }),
    { numRuns: 30 }
  )
})

test('a text of another form is refused', () => {
  expect(() => readTailText('[]')).toThrow(RangeError)
})

function lineOf(event: TailEvent): string {
  return tailLine(event.occurredAt.toISOString(), event)
}
