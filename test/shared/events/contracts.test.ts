import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import Schema from 'typebox/schema'
import { expect, test } from 'vitest'
import { contractFile, contracts } from '#shared/events/contracts.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { checkItem } from '#shared/events/decode-item.ts'

const folder = 'shared/events/schemas'

test('the published files are those that the schemas make (npm run schemas)', () => {
  const published = readdirSync(folder).map(name => [
    name,
    readFileSync(`${folder}/${name}`, 'utf8')
  ])
  const made = contracts.map(each => [`${each.name}.schema.json`, contractFile(each)])

  expect(Object.fromEntries(published)).toEqual(Object.fromEntries(made))
})

const text = fc.constantFrom('a', '', 'x'.repeat(201), 7, null)
const anEvent = fc.record(
  {
    schema_version: fc.constantFrom(1, 2, '1'),
    id: text,
    type: fc.constantFrom('view', 'impression', 'look'),
    time: fc.constantFrom('2026-03-01T09:30:00Z', '2026-03-01', 0),
    session: text,
    item: text,
    items: fc.constantFrom(['a'], [], [1], 'a'),
    position: fc.constantFrom(0, -1, 0.5),
    value: fc.constantFrom(1.5, '1.5'),
    more: fc.jsonValue()
  },
  { requiredKeys: ['id', 'time', 'session'] }
)
const anItem = fc.record(
  {
    id: text,
    attributes: fc.constantFrom({}, { a: 'b', c: 1, d: ['e'] }, { a: [1] }, { a: null }, []),
    visible: fc.constantFrom(true, false, 'yes'),
    more: fc.jsonValue()
  },
  { requiredKeys: [] }
)

test.each([
  ['event-1', anEvent, checkEvent],
  ['item-1', anItem, checkItem]
])('%s says of any message what the programs say', (name, message, check) => {
  const { schema } = contracts.find(each => each.name === name)!
  const published = Schema.Compile(JSON.parse(JSON.stringify(schema)))

  fc.assert(
    fc.property(message, sent => {
      fc.pre(!('rejected' in check(sent)) || !/cannot be kept/.test(JSON.stringify(check(sent))))
      expect(published.Check(sent)).toBe(!('rejected' in check(sent)))
    }),
    { numRuns: 2000 }
  )
})
