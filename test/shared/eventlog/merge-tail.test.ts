import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeTail, type TailEvent } from '#shared/eventlog/merge-tail.ts'

test('a late event takes its place by time, and of two at one time the earlier logged is first', () => {
  const tail = [event('a', 10), event('b', 30)]

  const merged = mergeTail(tail, [event('c', 20), event('d', 30)])

  expect(ids(merged)).toEqual(['a', 'c', 'b', 'd'])
})

test('only the newest fifty are kept', () => {
  const events = Array.from({ length: 60 }, (_, minute) => event(`e${minute}`, minute))

  const merged = mergeTail(events.slice(0, 45), events.slice(45))

  expect(ids(merged)).toEqual(ids(events.slice(10)))
})

test('merging batch after batch gives what sorting the whole log gives', () => {
  const log = fc.array(fc.nat(30), { maxLength: 200 })
  const cuts = fc.array(fc.nat(200), { maxLength: 5 })

  fc.assert(
    fc.property(log, cuts, (minutes, places) => {
      const events = minutes.map((minute, position) => event(String(position), minute))
      const bounds = [0, ...places.sort((a, b) => a - b), events.length]

      const merged = bounds.reduce<TailEvent[]>(
        (tail, bound, index) => mergeTail(tail, events.slice(bounds[index - 1] ?? 0, bound)),
        []
      )

      expect(ids(merged)).toEqual(ids(mergeTail([], events)))
    })
  )
})

function event(id: string, minute: number): TailEvent {
  return { id, type: 'click', itemKey: 'A13', occurredAt: new Date(minute * 60_000) }
}

function ids(events: readonly TailEvent[]): string[] {
  return events.map(each => each.id)
}
