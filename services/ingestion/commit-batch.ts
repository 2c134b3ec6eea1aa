// Exactly once, from Kafka to the log.
//
// The rule. One Postgres transaction holds everything that a batch of messages changes: the new
// offset of its partition, the events (or items), the tails of their sessions, and its dead letters.
// It commits as a whole or not at all, so wherever a process, a broker or a server dies, the offset
// in Postgres says exactly which messages are in the log. Reading begins at that offset.
//
// 1. The offset is moved first, and only from where this consumer believes it is. That locks its row:
//    a second consumer which believes to own the partition waits here. If it finds the offset moved,
//    it was overtaken (its generation is stale, or its own commit went through but the answer was
//    lost): it writes nothing and looks its place up again.
// 2. Messages that cannot be accepted become dead letters: a row here, and a message in the
//    dead-letter topic, which must be in Kafka before the transaction commits. A crash between the
//    two sends it again: at least once in the topic, once in the relation. The rest goes on.
// 3. The events are appended last, because appending holds the log's lock until the commit.
//
// What may happen, and which rule answers it:
//
//   rebalance          The group gives a partition to somebody else while we have batches of it. Those
//                      that Postgres has in hand may commit: the new reader, who began at the offset of
//                      before, is refused by 1, and looks again. The others are void (`isNext`).
//   stale generation   Kafka took us for dead, and we do not know yet. The same: 1 decides, not Kafka.
//   slow batch         Heartbeats are sent while it takes its time, and nothing more is read than the
//                      few batches that may be in work (consumer.ts): memory does not grow.
//   poison message     Whatever its bytes are, it becomes a dead letter, by 2; nothing that passes the
//                      check can fail in Postgres, so no message can stop those behind it.
//   Postgres away      A failure that passes by itself (a failover, a deadlock, a full disk:
//                      shared/database/retry-delay.ts) is tried again with the same batch, for as long
//                      as the partition is ours. If the answer to a commit was lost, 1 finds the offset
//                      moved: the batch is not written twice, even though its ids would prevent that.
//   broker away        Reading goes on when it is back. Dead letters that Kafka does not take are tried
//                      again, like the above.
//   sent twice         An event is appended once, whoever sends it how often (append-events.ts).
//
// Nothing is skipped to get past a failure. One that does not pass by itself is a bug and ends the
// program.
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import { retry } from '#shared/database/retry.ts'
import { moveOffset } from '#shared/eventlog/consumer-offsets.ts'
import { type DeadLetter, insertDeadLetters } from '#shared/eventlog/dead-letters.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { Batch } from './consumer.ts'

export interface CommitContext {
  readonly pool: Pool
  readonly group: string
  readonly log: Logger
  /** Returns when Kafka has them. */
  sendDeadLetters(letters: readonly DeadLetter[]): Promise<void>
}

export interface BatchContent<T> {
  readonly deadLetters: readonly DeadLetter[]
  /** Writes what was accepted. */
  write(connection: Connection): Promise<T>
}

/**
 * Commits a batch as one.
 *
 * @returns what `write` returned, or `undefined` when the batch is not ours to commit.
 */
export async function commitBatch<T>(
  context: CommitContext,
  batch: Batch,
  content: BatchContent<T>
): Promise<{ written: T } | undefined> {
  const { pool, group, log } = context
  const { topic, partition, from, to, last } = batch
  if (!(await batch.isNext())) return undefined
  const attempt = () =>
    withTransaction(pool, async connection => {
      const isOurs = await moveOffset(connection, { group, topic, partition }, { from, to, last })
      if (!isOurs) return undefined
      await insertDeadLetters(connection, content.deadLetters)
      await context.sendDeadLetters(content.deadLetters)
      return { written: await content.write(connection) }
    })
  return retry(attempt, { isWanted: batch.isWanted, log: log.child({ topic, partition, from }) })
}
