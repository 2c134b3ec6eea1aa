// From the bytes of a message to a JSON value, refusing what is not UTF-8, not JSON, or cannot be
// kept exactly.
import { isObject, type Rejection } from './rejection.ts'
import { findUnstorable } from './storable.ts'

/** Reads a JSON object. */
export function readJson(bytes: Uint8Array): { message: Record<string, unknown> } | Rejection {
  const text = readText(bytes)
  if (text === undefined) return { rejected: 'the message is not UTF-8 text' }
  const value = parse(text)
  if (value === undefined) return { rejected: 'the message is not JSON' }
  if (!isObject(value)) return { rejected: 'the message must be a JSON object' }
  // In UTF-8 only an escape can spell what cannot be kept: a NUL, or half of a surrogate pair.
  return acceptStorable(value, !text.includes('\\'))
}

/** Lets an object through that the log can keep exactly; see findUnstorable. */
export function acceptStorable(
  message: Record<string, unknown>,
  areTextsSafe = false
): { message: Record<string, unknown> } | Rejection {
  const fault = findUnstorable(message, areTextsSafe)
  if (!fault) return { message }
  const names = Object.keys(message).filter(name => findUnstorable(name) === undefined)
  const field = names.find(name => findUnstorable({ [name]: message[name] }))
  return { rejected: `the message cannot be kept as it is: ${fault}`, ...(field && { field }) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The text of UTF-8 bytes, a byte order mark dropped; `undefined` when they are something else. */
export function readText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
