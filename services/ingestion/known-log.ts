// Whether a partition is still the log that was read before. A topic that was deleted and made anew, and the
// same topic of another cluster, begin at offset 0 again: the place that was kept would be one among other
// messages, and those before it would be lost without a word. Topics have ids, but kafkajs does not show
// them. So reading begins one message early, at the newest one that was committed: in the same log it is
// there with the same timestamp.
//
// What this cannot see: another log in which that message is missing, as compaction and retention make it, or
// has the same timestamp to the millisecond; and one that takes the place of the first while it is read, and
// is as long as it before the next fetch, half a second later.
import type { KafkaMessage } from 'kafkajs'
import type { LastMessage } from '#shared/eventlog/consumer-offsets.ts'

/**
 * What the first message says that is read from `last` on, or from `next` on when no last one is to be
 * looked for.
 *
 * same     it is that message, or nothing can be said because that message is gone
 * other    another message has its offset
 * shorter  the offset is not in the log: Kafka's client has begun at the oldest by itself
 */
export type LogLook = 'same' | 'other' | 'shorter'

export function lookAtLog(
  last: LastMessage | undefined,
  next: number,
  first: KafkaMessage
): LogLook {
  const offset = Number(first.offset)
  if (offset < (last?.offset ?? next)) return 'shorter'
  return offset === last?.offset && first.timestamp !== last.timestamp ? 'other' : 'same'
}
