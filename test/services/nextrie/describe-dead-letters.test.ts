import { expect, test } from 'vitest'
import { describeLetter, safeText } from '#services/nextrie/describe-dead-letters.ts'

const letter = {
  id: 3,
  topic: 'events',
  partition: 1,
  offset: 7,
  key: null,
  payload: Buffer.from('grün\n\t{"a": 1}'),
  headers: { trace: [Buffer.from('x'), null] },
  reason: 'the message is not JSON',
  receivedAt: new Date('2026-03-01T09:30:00Z')
}

test('a letter is shown with all that is kept of it', () => {
  expect(describeLetter(letter, 100)).toBe(
    [
      'letter 3, received 2026-03-01T09:30:00.000Z',
      'place: offset 7 of partition 1 of events',
      'reason: the message is not JSON',
      'key: none',
      'header trace: x',
      'header trace: none',
      'payload, 15 bytes:',
      'grün\n\t{"a": 1}'
    ].join('\n')
  )
})

test('bytes that are no text are shown in hexadecimal, and only so many as asked for', () => {
  const payload = Buffer.concat([Buffer.from([0xff, 0x1b]), Buffer.from('ABCDEFGHIJKLMNOP')])

  expect(describeLetter({ ...letter, payload }, 17)).toContain(
    [
      'payload, 18 bytes, not UTF-8:',
      '00000000  ff 1b 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e  ..ABCDEFGHIJKLMN',
      `00000010  4f${' '.repeat(45)}  O`,
      '… and 1 bytes more (--bytes 18 shows them all)'
    ].join('\n')
  )
})

test('nothing of a message moves the cursor, changes a colour or turns the direction', () => {
  expect(safeText('a\u001b[2J\r\u0007\u202e\u2028\u{e0001}ß🦊')).toBe(
    'a\\u{1b}[2J\\u{d}\\u{7}\\u{202e}\\u{2028}\\u{e0001}ß🦊'
  )
})
