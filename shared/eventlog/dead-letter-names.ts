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

/** Deletes the dead letters that name one of `names`; returns how many. */
export async function deleteDeadLettersNaming(
  connection: Connection,
  names: readonly string[]
): Promise<number> {
  const wanted = new Set(names)
  let deleted = 0
  for (let after = 0; ; ) {
    const page = await readSuspects(connection, names, after)
    const naming = page.filter(letter => namesOneOf(letter, wanted))
    await deleteLetters(
      connection,
      naming.map(letter => letter.dead_letter_id)
    )
    deleted += naming.length
    if (page.length < pageSize) return deleted
    after = page.at(-1)!.dead_letter_id
  }
}

/** All that can name somebody: the id's bytes are in it, or hidden behind JSON's escapes or base64. */
async function readSuspects(
  connection: Connection,
  names: readonly string[],
  after: number
): Promise<Letter[]> {
  const { rows } = await connection.query<Letter>(
    String.raw`select dead_letter_id, key, payload, headers from dead_letters
     where dead_letter_id > $2
       and (headers <> '{}' or position('\x5c'::bytea in payload) > 0
            or exists (select from unnest($1::text[]) as name
                       where position(convert_to(name, 'UTF8') in payload) > 0
                          or position(convert_to(name, 'UTF8') in key) > 0))
     order by dead_letter_id limit $3`,
    [names, after, pageSize]
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
      rest.push(...Object.values(next))
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

async function deleteLetters(connection: Connection, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await connection.query('delete from dead_letters where dead_letter_id = any($1)', [ids])
}
