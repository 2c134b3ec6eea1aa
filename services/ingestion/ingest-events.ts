// The events topic: each message an event for the log, or a dead letter.
import { setImmediate as breathe } from 'node:timers/promises'
import { appendPrepared, prepareAppend } from '#shared/eventlog/append-events.ts'
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
  const { events, deadLetters } = await decode(batch)
  const outcome = await commitBatch(context, batch, {
    deadLetters,
    write: connection => appendPrepared(connection, events)
  })
  return outcome && { ...outcome.written, rejected: deadLetters.length }
}

/** Messages decoded in one go, about two milliseconds. */
const decodedAtOnce = 400

/** Lets others have their turn in between: another batch may be talking to Postgres meanwhile. */
async function decode(batch: Batch) {
  const events: Event[] = []
  const deadLetters: DeadLetter[] = []
  for (const [index, message] of batch.messages.entries()) {
    if (index % decodedAtOnce === 0) await breathe()
    const decoded = decodeEvent(message.value, message.headers)
    if ('event' in decoded) events.push(decoded.event)
    else deadLetters.push(toDeadLetter(batch, message, decoded.rejected))
  }
  return { events: await prepareAppend(events), deadLetters }
}
