// Whether the log can keep a JSON value exactly. Postgres refuses some texts that JSON allows, and
// numbers too large for a double would silently change: such a message is rejected at the edge, so
// that no accepted message can fail later and stop the ones behind it.
//
// Numbers. From 2^53 on a double no longer holds each whole number, and by the time a message is
// parsed nobody can tell whether this one has changed: all of that size are refused, 1e300 too. A
// fraction is kept as the double nearest to it.

/** Deep enough for any honest message; keeps every recursive walk far from the stack's end. */
const deepestLevel = 32

/**
 * Says what cannot be kept, or `undefined` when all of it can.
 *
 * @param areTextsSafe when it is known already that no text in it has anything that cannot be kept.
 */
export function findUnstorable(
  value: unknown,
  areTextsSafe = false,
  level = 0
): string | undefined {
  if (typeof value === 'string') return areTextsSafe ? undefined : findUnstorableText(value)
  if (typeof value === 'number') {
    if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return undefined
    return 'it has a number of 2^53 or more, which a double may change: send it as a text'
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (level === deepestLevel) return `it is nested more than ${deepestLevel} levels deep`
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const fault =
      (areTextsSafe ? undefined : findUnstorableText(key)) ??
      findUnstorable(value[key as keyof typeof value], areTextsSafe, level + 1)
    if (fault) return fault
  }
  return undefined
}

const loneSurrogate = /\p{Surrogate}/u

function findUnstorableText(text: string): string | undefined {
  if (text.includes('\0')) return 'it has a NUL character in a text'
  if (loneSurrogate.test(text)) return 'it has half of a surrogate pair in a text'
  return undefined
}
