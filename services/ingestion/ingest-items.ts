// The items topic: each message an item for the catalogue, the removal of one, or a dead letter.
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import type { Connection } from '#shared/database/pool.ts'
import type { DeadLetter } from '#shared/eventlog/dead-letters.ts'
import { decodeItem, type ItemChange } from '#shared/events/decode-item.ts'
import { type CommitContext, commitBatch } from './commit-batch.ts'
import type { Batch } from './consumer.ts'
import { toDeadLetter } from './dead-letter-messages.ts'
import type { Counts } from './report.ts'

/** @returns what happened to the messages, or `undefined` when the batch is not ours to commit. */
export async function ingestItems(
  context: CommitContext,
  batch: Batch
): Promise<Counts | undefined> {
  const { changes, deadLetters } = decode(batch)
  const outcome = await commitBatch(context, batch, {
    deadLetters,
    write: connection => writeChanges(connection, [...changes.values()])
  })
  return outcome && { ...outcome.written, rejected: deadLetters.length }
}

/** Of several messages about one item the last counts, as it would after compaction. */
function decode(batch: Batch) {
  const changes = new Map<string, ItemChange>()
  const deadLetters: DeadLetter[] = []
  for (const message of batch.messages) {
    const decoded = decodeItem(message)
    if ('rejected' in decoded) deadLetters.push(toDeadLetter(batch, message, decoded.rejected))
    else changes.set('item' in decoded ? decoded.item.key : decoded.removedKey, decoded)
  }
  return { changes, deadLetters }
}

async function writeChanges(
  connection: Connection,
  changes: readonly ItemChange[]
): Promise<{ items: number; removedItems: number }> {
  const items = changes.flatMap(change => ('item' in change ? [change.item] : []))
  const removed = changes.flatMap(change => ('removedKey' in change ? [change.removedKey] : []))
  if (items.length > 0) await upsertItems(connection, items)
  if (removed.length > 0) await removeItems(connection, removed)
  return { items: items.length, removedItems: removed.length }
}
