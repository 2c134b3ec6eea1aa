// Items as the API speaks them: `id` outside is the item key inside, as on the items topic.
import { type Static, Type } from 'typebox'
import type { Item } from '#shared/catalog/item.ts'
import { ItemMessage } from '#shared/events/item-message.ts'

/** An item key or a session id. Postgres keeps no NUL character. */
export const Key = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000]*$',
  title: 'a text without NUL characters'
})

export const ItemAttributes = ItemMessage.properties.attributes

export const WireItem = Type.Object(
  {
    id: ItemMessage.properties.id,
    attributes: ItemAttributes,
    visible: Type.Boolean({ description: 'Whether it may be recommended' })
  },
  {
    title: 'Item',
    additionalProperties: true,
    description: 'Fields beside these are what the shop sent with the item, as it sent them'
  }
)
export type WireItem = Static<typeof WireItem>

export function toWire({ key, attributes, isVisible, properties }: Item): WireItem {
  return { ...properties, id: key, attributes: wireAttributes(attributes), visible: isVisible }
}

/** An item that left the catalogue since it was recommended has none. */
export function wireAttributes(attributes: Item['attributes'] = {}): WireItem['attributes'] {
  return attributes as WireItem['attributes']
}
