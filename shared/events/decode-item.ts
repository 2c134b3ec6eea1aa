// From a message of the items topic to a change of the catalogue, or to the reason why it is none.
import { Compile } from 'typebox/compile'
import { type MessageHeaders, openCloudEvent } from './cloud-event.ts'
import { type DescribedItem, ItemMessage } from './item-message.ts'
import { acceptStorable, readJson, readText } from './read-json.ts'
import { explainRejection, isObject, quote, type Rejection } from './rejection.ts'
import { refuseNewerVersion } from './schema-version.ts'
import { findUnstorable } from './storable.ts'

/** An item described anew, or the key of one that is gone. */
export type ItemChange = { readonly item: DescribedItem } | { readonly removedKey: string }

export interface ItemRecord {
  /** The message's key: what Kafka compacts by. It names the item that a tombstone removes. */
  readonly key: Uint8Array | null
  /** JSON or a CloudEvent; `null` is a tombstone. */
  readonly value: Uint8Array | null
  readonly headers?: MessageHeaders
}

/** Decodes one message of the items topic. */
export function decodeItem({ key, value, headers = {} }: ItemRecord): ItemChange | Rejection {
  const itemKey = key === null ? undefined : readText(key)
  if (key !== null && itemKey === undefined) return { rejected: 'the key is not UTF-8 text' }
  if (value === null) return readTombstone(itemKey)
  const read = readJson(value)
  if ('rejected' in read) return read
  const checked = readMessage(read.message, headers)
  return 'rejected' in checked ? checked : agreeWithKey(checked, itemKey)
}

/** Checks a value that is JSON already, such as the body of a request: plain, or a CloudEvent. */
export function checkItem(value: unknown): { item: DescribedItem } | Rejection {
  if (!isObject(value)) return explainRejection(schema, ItemMessage, value)
  const accepted = acceptStorable(value)
  return 'rejected' in accepted ? accepted : readMessage(accepted.message, {})
}

/** The envelope of a CloudEvent is kept with what `data` says, and says nothing of the item itself. */
function readMessage(
  message: Record<string, unknown>,
  headers: MessageHeaders
): { item: DescribedItem } | Rejection {
  const cloudEvent = openCloudEvent(message, headers)
  if (cloudEvent === undefined) return readItem(message)
  if ('rejected' in cloudEvent) return cloudEvent
  const { data, attributes } = cloudEvent
  const accepted = acceptStorable({ ...data, cloudevent: attributes }) // headers are not checked yet
  return 'rejected' in accepted ? accepted : readItem(accepted.message)
}

const schema = Compile(ItemMessage)

function readItem(message: Record<string, unknown>): { item: DescribedItem } | Rejection {
  const refusal = refuseNewerVersion(message)
  if (refusal) return refusal
  if (!schema.Check(message)) return explainRejection(schema, ItemMessage, message)
  const { id, attributes, visible: isVisible = true, ...properties } = message
  const hasMore = Object.keys(properties).length > 0
  return { item: { key: id, attributes, isVisible, ...(hasMore && { properties }) } }
}

function readTombstone(itemKey: string | undefined): ItemChange | Rejection {
  if (!itemKey) {
    return { rejected: 'a message without a value removes the item of its key, and it has no key' }
  }
  const fault = findUnstorable(itemKey)
  return fault ? { rejected: `the key names no item: ${fault}` } : { removedKey: itemKey }
}

/** Under another key compaction would keep an old state, and a tombstone would miss the item. */
function agreeWithKey(
  checked: { item: DescribedItem },
  itemKey: string | undefined
): ItemChange | Rejection {
  const { key } = checked.item
  if (itemKey === undefined || itemKey === key) return checked
  return { rejected: `id is ${quote(key)} but the message's key is ${quote(itemKey)}`, field: 'id' }
}
