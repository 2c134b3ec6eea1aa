// What a message of the items topic is. The topic is compacted: the newest message of a key is the
// item, and a message without a value (a tombstone) takes the item out of the catalogue.
import { type Static, Type } from 'typebox'
import { SchemaVersion } from './schema-version.ts'

const AttributeMessage = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.String())
])

/**
 * An item as it is sent. Fields that are not named here are kept as they are, beside the attributes:
 * they are given back, and no feature is made of them.
 */
export const ItemMessage = Type.Object(
  {
    schema_version: SchemaVersion,
    id: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'the key of the item, 1 to 200 characters'
    }),
    attributes: Type.Record(Type.String(), AttributeMessage, {
      description: 'an object whose values are texts, numbers, true, false or lists of texts'
    }),
    visible: Type.Optional(
      Type.Boolean({ description: 'true (also when absent) or false: it is never recommended' })
    )
  },
  { description: 'an item' }
)
export type ItemMessage = Static<typeof ItemMessage>

/** The same in the words of the catalogue (shared/catalog/item.ts, which has the same shape). */
export interface DescribedItem {
  readonly key: string
  readonly attributes: ItemMessage['attributes']
  readonly isVisible: boolean
  /** Everything else of the message, as it was sent; absent when there is nothing else. */
  readonly properties?: Readonly<Record<string, unknown>>
}
