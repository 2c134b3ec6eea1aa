// Cuts what was fetched into parts that one transaction can take. A fetch is limited in packed bytes, and
// what comes out of it may be far more than a batch should be (shared/messaging/codecs.ts).
import type { KafkaMessage } from 'kafkajs'

export interface CutLimits {
  readonly bytes: number
  readonly messages: number
}

/** Messages in their order, in parts within the limits; a message larger than them is a part by itself. */
export function cutMessages(messages: readonly KafkaMessage[], most: CutLimits): KafkaMessage[][] {
  const parts: KafkaMessage[][] = []
  let room = 0
  for (const message of messages) {
    const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0)
    if (parts.length === 0 || bytes > room || parts.at(-1)!.length === most.messages) {
      parts.push([])
      room = most.bytes
    }
    parts.at(-1)!.push(message)
    room -= bytes
  }
  return parts
}
