// What an event is: on the wire (EventMessage, from Kafka, HTTP and imports alike) and inside the
// product (Event). One schema gives the check, the static type, the API page and the reasons that
// senders read: each description completes the sentence "<field> must be ...".
import { type Static, Type } from 'typebox'
import Format from 'typebox/format'
import { SchemaVersion } from './schema-version.ts'

/** The acts that are told apart. An impression shows items; every other act names one item. */
export const eventTypes = ['view', 'click', 'cart', 'purchase', 'impression', 'dislike'] as const
export type EventType = (typeof eventTypes)[number]

const key = { minLength: 1, maxLength: 200 }

/** Times as most producers write them are known at a glance; TypeBox's own check is ten times as slow. */
const usualTime =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/
Format.Set('date-time', time => usualTime.test(time) || Format.IsDateTime(time))

/** An event as it is sent. Fields that are not named here are kept as they are. */
export const EventMessage = Type.Object(
  {
    schema_version: SchemaVersion,
    id: Type.String({
      ...key,
      description: 'a text of 1 to 200 characters, the same whenever this event is sent again'
    }),
    type: Type.Enum(eventTypes, { description: `one of ${eventTypes.join(', ')}` }),
    time: Type.String({
      format: 'date-time',
      description: 'a time since 1970 with its offset (RFC 3339), as 2026-03-01T09:30:00.000Z'
    }),
    session: Type.String({
      ...key,
      description: 'a text of 1 to 200 characters, the same for all events of one visit'
    }),
    visitor: Type.Optional(
      Type.String({ ...key, description: 'a text of 1 to 200 characters that names the visitor' })
    ),
    item: Type.Optional(
      Type.String({
        ...key,
        description: 'the key of the item (1 to 200 characters); only an impression goes without'
      })
    ),
    items: Type.Optional(
      Type.Array(Type.String(key), {
        maxItems: 200,
        description: 'the keys of the items that an impression showed, at most 200'
      })
    ),
    position: Type.Optional(
      Type.Integer({ minimum: 0, description: 'the place in the list shown, counted from 0' })
    ),
    value: Type.Optional(Type.Number({ description: 'a number, such as the price paid' })),
    recommendation_id: Type.Optional(
      Type.String({ ...key, description: 'the id of the recommendation that led here' })
    ),
    context: Type.Optional(
      Type.Object({}, { description: 'an object with anything else worth keeping' })
    )
  },
  { description: 'an event' }
)
export type EventMessage = Static<typeof EventMessage>

/** One act of a visitor on an item at a time, as the log keeps it; never changed once logged. */
export interface Event {
  readonly id: string
  readonly type: EventType
  /** The producer's clock, in whole milliseconds. */
  readonly occurredAt: Date
  readonly sessionId: string
  readonly visitorId?: string
  /** Absent only from an impression, whose items are in `properties.items`. */
  readonly itemKey?: string
  /** Everything else of the message, as it was sent. */
  readonly properties: Readonly<Record<string, unknown>>
}
