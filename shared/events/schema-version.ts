// The version of a contract, and what is done about a version that is not known here.
//
// A version is a whole number, named by `schema_version` of the message; a message that names none has
// version 1. Within a version only optional fields are added. A message may have fields that a program
// does not know, which are kept, so both sides may be of different age. Anything else (a field is
// removed, is made required, changes its meaning) is a new version. A program goes on reading the old
// ones; one that meets a newer version than it knows refuses the message, which waits as a dead letter
// until the program is upgraded and the letter replayed. It does not guess.
import { Type } from 'typebox'
import type { Rejection } from './rejection.ts'

/** The newest version of the contracts of this folder. */
export const newestVersion = 1

export const SchemaVersion = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: newestVersion,
    description: 'the whole number of the contract that the message keeps, 1 when absent'
  })
)

/** Refuses a version from the future; anything that is no version at all is the schema's affair. */
export function refuseNewerVersion(message: Record<string, unknown>): Rejection | undefined {
  const version = message.schema_version
  if (!Number.isInteger(version) || Number(version) <= newestVersion) return undefined
  return {
    rejected:
      `schema_version is ${version}, and this program knows up to ${newestVersion}: ` +
      'upgrade it, then replay the message',
    field: 'schema_version'
  }
}
