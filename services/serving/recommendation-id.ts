// Names one answer, so that later events can say which recommendation they follow. UUID version 7
// (RFC 9562): the time comes first, so that ids made together lie together in an index.

/**
 * @param nowMs milliseconds since the epoch.
 * @param random ten random bytes.
 */
export function recommendationId(nowMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(nowMs, 0, 6) // bits 0-47: time
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f) // bits 48-51: version 7
  bytes[8] = 0x80 | (bytes[8]! & 0x3f) // bits 64-65: variant
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** When an id was made, in milliseconds since the epoch. */
export function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
