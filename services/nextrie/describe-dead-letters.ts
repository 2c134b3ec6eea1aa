// Dead letters as a terminal shows them. Their bytes come from anybody: nothing of them may move the
// cursor, change a colour or turn the direction of writing.
import type { DeadLetterSummary, StoredDeadLetter } from '#shared/eventlog/dead-letters.ts'
import { textTable } from './text-table.ts'

const reasonCharacters = 100

/** A row for each letter. */
export function describeLetters(letters: readonly DeadLetterSummary[]): string {
  const rows = letters.map(letter => [
    letter.id,
    letter.receivedAt.toISOString(),
    `${safeText(letter.topic)}/${letter.partition}@${letter.offset}`,
    letter.payloadBytes ?? '',
    cut(safeText(letter.reason), reasonCharacters)
  ])
  return textTable(['id', 'received', 'place', 'bytes', 'reason'], rows)
}

/** All of one letter, of its payload at most `bytes`. */
export function describeLetter(letter: StoredDeadLetter, bytes: number): string {
  const headers = Object.entries(letter.headers).flatMap(([name, values]) =>
    values.map(value => `header ${safeText(name)}: ${describeValue(value)}`)
  )
  return [
    `letter ${letter.id}, received ${letter.receivedAt.toISOString()}`,
    `place: offset ${letter.offset} of partition ${letter.partition} of ${safeText(letter.topic)}`,
    `reason: ${safeText(letter.reason)}`,
    `key: ${describeValue(letter.key)}`,
    ...headers,
    describePayload(letter.payload, bytes)
  ].join('\n')
}

function describeValue(value: Buffer | null): string {
  if (value === null) return 'none'
  return readUtf8(value) === undefined ? `0x${value.toString('hex')}` : safeText(String(value))
}

function describePayload(payload: Buffer | null, bytes: number): string {
  if (payload === null) return 'payload: none'
  const shown = payload.subarray(0, bytes)
  const rest = payload.length - shown.length
  const more =
    rest > 0 ? `\n… and ${rest} bytes more (--bytes ${payload.length} shows them all)` : ''
  const text = readUtf8(payload) === undefined ? undefined : String(shown)
  const body = text === undefined ? hexDump(shown) : safeText(text, '\n\t')
  return `payload, ${payload.length} bytes${text === undefined ? ', not UTF-8' : ''}:\n${body}${more}`
}

function readUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Control, format and unassigned characters as their numbers, but for those that are `allowed`. */
export function safeText(text: string, allowed = ''): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character =>
    allowed.includes(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`
  )
}

function hexDump(bytes: Buffer): string {
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += 16) {
    const line = bytes.subarray(start, start + 16)
    const hex = Array.from(line, byte => byte.toString(16).padStart(2, '0')).join(' ')
    const letters = Array.from(line, byte =>
      byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'
    ).join('')
    lines.push(`${start.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${letters}`)
  }
  return lines.join('\n')
}

function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters)}…` : text
}
