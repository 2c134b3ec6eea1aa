// The events topic: each message an event for the log, or a dead letter.
import { appendEvents } from '#shared/eventlog/append-events.ts'
import type { DeadLetter } from '#shared/eventlog/dead-letters.ts'
import { decodeEvent } from '#shared/events/decode-event.ts'
import type { Event } from '#shared/events/event.ts'
import { type CommitContext, commitBatch } from './commit-batch.ts'
import type { Batch } from './consumer.ts'
import { toDeadLetter } from './dead-letter-messages.ts'
import type { Counts } from './report.ts'

/** @returns what happened to the messages, or `undefined` when the batch is not ours to commit. */
export async function ingestEvents(
  context: CommitContext,
  batch: Batch
): Promise<Counts | undefined> {
  const { events, deadLetters } = decode(batch)
  const outcome = await commitBatch(context, batch, {
    deadLetters,
    write: connection => appendEvents(connection, events)
  })
  return outcome && { ...outcome.written, rejected: deadLetters.length }
}

function decode(batch: Batch) {
  const events: Event[] = []
  const deadLetters: DeadLetter[] = []
  for (const message of batch.messages) {
    const decoded = decodeEvent(message.value, message.headers)
    if ('event' in decoded) events.push(decoded.event)
    else deadLetters.push(toDeadLetter(batch, message, decoded.rejected))
  }
  return { events, deadLetters }
}
