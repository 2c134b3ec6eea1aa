// Names one answer, so that later events can say which recommendation they follow. UUID version 7
// (RFC 9562): the time comes first, so that ids made together lie together in an index.

/**
 * @param nowMs milliseconds since the epoch.
 * @param random a UUID version 4, as `randomUUID` makes it from random numbers that it keeps at hand.
 */
export function recommendationId(nowMs: number, random: string): string {
  const time = nowMs.toString(16).padStart(12, '0')
  // 48 bits of time and the version; the variant and 74 random bits stand in both at the same places.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}

/** When an id was made, in milliseconds since the epoch. */
export function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
