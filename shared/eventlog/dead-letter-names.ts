// Which dead letters name a person. They are what could not be read as an event, so the rule looks
// at every place where an id can stand:
//
//   payload, JSON        any text or number in it, however deep, that is the id; also as a field's name
//   payload, other bytes the id as a word of its own, with no letter or digit right before or behind
//   key, header value    the same
import type { Connection } from '#shared/database/pool.ts'

interface Letter {
  readonly dead_letter_id: number
  readonly key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: Readonly<Record<string, readonly (string | null)[]>>
}

/** A message may be a megabyte. */
const pageSize = 50

/** The ids of all dead letters there are. */
export async function readLetterIds(connection: Connection): Promise<number[]> {
  const { rows } = await connection.query<{ id: number }>(
    'select dead_letter_id as id from dead_letters'
  )
  return rows.map(row => row.id)
}

/** Which of the letters `ids` name one of `names`; an empty name is nobody's. */
export async function findLettersNaming(
  connection: Connection,
  names: readonly string[],
  ids: readonly number[]
): Promise<number[]> {
  const wanted = new Set(names.filter(name => name !== ''))
  if (wanted.size === 0 || ids.length === 0) return []
  const suspects = await findSuspects(connection, [...wanted], ids)
  const naming: number[] = []
  for (let from = 0; from < suspects.length; from += pageSize) {
    const letters = await readLetters(connection, suspects.slice(from, from + pageSize))
    const found = letters.filter(letter => namesOneOf(letter, wanted))
    naming.push(...found.map(letter => letter.dead_letter_id))
  }
  return naming
}

/** All that can name somebody: the id's bytes are in it, or hidden behind JSON's escapes or base64. */
async function findSuspects(
  connection: Connection,
  names: readonly string[],
  ids: readonly number[]
): Promise<number[]> {
  const { rows } = await connection.query<{ id: number }>(
    String.raw`select dead_letter_id as id from dead_letters
     where dead_letter_id = any($2)
       and (headers <> '{}' or position('\x5c'::bytea in payload) > 0
            or exists (select from unnest($1::text[]) as name
                       where position(convert_to(name, 'UTF8') in payload) > 0
                          or position(convert_to(name, 'UTF8') in key) > 0))`,
    [names, ids]
  )
  return rows.map(row => row.id)
}

async function readLetters(connection: Connection, ids: readonly number[]): Promise<Letter[]> {
  const { rows } = await connection.query<Letter>(
    'select dead_letter_id, key, payload, headers from dead_letters where dead_letter_id = any($1)',
    [ids]
  )
  return rows
}

function namesOneOf({ key, payload, headers }: Letter, names: ReadonlySet<string>): boolean {
  const values = Object.values(headers).flat()
  const parts = [key, payload, ...values.map(value => value && Buffer.from(value, 'base64'))]
  return parts.some(part => part && bytesName(part, names))
}

function bytesName(bytes: Buffer, names: ReadonlySet<string>): boolean {
  const text = bytes.toString()
  const value = parseJson(text)
  return value === undefined ? textNames(text, names) : valueNames(value, names)
}

function valueNames(value: unknown, names: ReadonlySet<string>): boolean {
  const rest = [value] // a list and no recursion: a rejected message may be nested ever so deep
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next !== 'object' || next === null) {
      if (names.has(String(next))) return true
    } else {
      if (Object.keys(next).some(name => names.has(name)) && !Array.isArray(next)) return true
      for (const each of Object.values(next)) rest.push(each) // there may be a million
    }
  }
  return false
}

function textNames(text: string, names: ReadonlySet<string>): boolean {
  for (const name of names) {
    for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
      const end = at + name.length
      const before = text.slice(Math.max(0, at - 2), at) // two: a letter may be a surrogate pair
      const behind = text.slice(end, end + 2)
      if (!/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(behind)) return true
    }
  }
  return false
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
