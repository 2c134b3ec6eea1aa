// The contracts as JSON Schema files for producers: made from the schemas that check the messages, so
// the two cannot differ. `npm run schemas` writes them to schemas/; a test holds them current.
import type { TSchema } from 'typebox'
import { EventMessage } from './event.ts'
import { ItemMessage } from './item-message.ts'
import { newestVersion } from './schema-version.ts'

export interface Contract {
  /** Name and version: `event-1`. */
  readonly name: string
  /** JSON Schema, draft 2020-12. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** What the schema of an event cannot say in one place: which field goes with which type. */
const itemOrItems = {
  if: { properties: { type: { const: 'impression' } }, required: ['type'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits a schema
  then: { required: ['items'] },
  else: { required: ['item'] }
}

/** Every contract in its newest version. */
export const contracts: readonly Contract[] = [
  contract('event', { ...plain(EventMessage), ...itemOrItems }),
  contract('item', plain(ItemMessage))
]

/** The file of a contract, byte for byte. */
export function contractFile({ schema }: Contract): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}

function contract(subject: string, schema: Record<string, unknown>): Contract {
  const name = `${subject}-${newestVersion}`
  return {
    name,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:nextrie:${subject}:${newestVersion}`,
      title: `${subject}, version ${newestVersion}`,
      ...schema
    }
  }
}

/** JSON keeps what is JSON Schema and drops TypeBox's own marks, which are symbols or hidden. */
function plain(schema: TSchema): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema))
}
