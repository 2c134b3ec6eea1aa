import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeTail } from '#shared/eventlog/merge-tail.ts'
import { readTailText, tailLine } from '#shared/eventlog/tail-text.ts'

test('a late event takes its place by time, and of two at one time the earlier logged is first', () => {
  const tail = [line('a', 10), line('b', 30)]

  const merged = mergeTail(tail, [line('c', 20), line('d', 30)])

  expect(ids(merged)).toEqual(['a', 'c', 'b', 'd'])
})

test('only the newest fifty are kept', () => {
  const lines = Array.from({ length: 60 }, (_, minute) => line(`e${minute}`, minute))

  const merged = mergeTail(lines.slice(0, 45), lines.slice(45))

  expect(merged).toEqual(lines.slice(10))
})

test('merging batch after batch gives what sorting the whole log gives', () => {
  const log = fc.array(fc.nat(30), { maxLength: 200 })
  const cuts = fc.array(fc.nat(200), { maxLength: 5 })

  fc.assert(
    fc.property(log, cuts, (minutes, places) => {
      const lines = minutes.map((minute, position) => line(String(position), minute))
      const bounds = [0, ...places.sort((a, b) => a - b), lines.length]

      const merged = bounds.reduce<string[]>(
        (tail, bound, index) => mergeTail(tail, lines.slice(bounds[index - 1] ?? 0, bound)),
        []
      )

      expect(merged).toEqual(mergeTail([], lines))
    })
  )
})

function line(id: string, minute: number): string {
  const time = new Date(minute * 60_000).toISOString()
  return tailLine(time, { id, type: 'click', itemKey: 'A13' })
}

function ids(lines: readonly string[]): string[] {
  return lines.flatMap(readTailText).map(each => each.id)
}
