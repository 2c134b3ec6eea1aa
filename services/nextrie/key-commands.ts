// `nextrie keys create | list | rotate | revoke`: who may ask the service.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type NewKey, type Role, roles } from '#shared/apikeys/api-key.ts'
import {
  createKey,
  listKeys,
  revokeKey,
  rotateKey,
  type StoredKey
} from '#shared/apikeys/stored-keys.ts'
import type { CommandParts } from './dead-letter-commands.ts'
import { textTable } from './text-table.ts'
import { wholeNumber } from './whole-number.ts'

type KeyCommandParts = Pick<CommandParts, 'withDatabase' | 'write'>

const standardOverlapMinutes = 60

/** Adds the four commands. */
export function addKeyCommands(nextrie: Command, { withDatabase, write }: KeyCommandParts): void {
  const keys = nextrie
    .command('keys')
    .description('API keys: who may ask the service, and for what')

  keys
    .command('create')
    .description('make a key; it is shown this once')
    .argument('<name>', 'whose it is, for the list', nonEmpty)
    .addOption(new Option('--role <role>', 'what it allows').choices(roles).makeOptionMandatory())
    .action((name: string, { role }: { role: Role }) =>
      withDatabase(async pool => show(await createKey(pool, { name, role }), write))
    )

  keys
    .command('list')
    .description('list all keys, without their secrets')
    .action(() => withDatabase(async pool => write(describeKeys(await listKeys(pool)))))

  keys
    .command('rotate')
    .description('make a new key for an old one, which ends after the overlap')
    .argument('<id>', 'of the old key, as the list shows it')
    .option(
      '--overlap <minutes>',
      'how long both are valid',
      wholeNumber(0, 525_600),
      standardOverlapMinutes
    )
    .action((id: string, { overlap }: { overlap: number }) =>
      withDatabase(async pool => {
        show(await rotateKey(pool, id, overlap), write)
        write(`${id} ends in ${overlap} minutes`)
      })
    )

  keys
    .command('revoke')
    .description('end a key now; the running service follows within two seconds')
    .argument('<id>', 'as the list shows it')
    .action((id: string) =>
      withDatabase(async pool => {
        await revokeKey(pool, id)
        write(`${id} is revoked`)
      })
    )
}

function show({ keyId, key }: NewKey, write: (line: string) => void): void {
  write(`key ${keyId}, shown this once; requests send it as \`Authorization: Bearer KEY\`:`)
  write(key)
}

/** A row for each key; the headings alone when there are none. */
function describeKeys(keys: readonly StoredKey[]): string {
  const rows = keys.map(key => [
    key.keyId,
    key.name,
    key.role,
    key.createdAt.toISOString(),
    stateOf(key)
  ])
  return textTable(['id', 'name', 'role', 'created', 'state'], rows)
}

function stateOf({ isValid, endsAt }: StoredKey): string {
  if (!endsAt) return 'valid'
  return `${isValid ? 'valid until' : 'ended'} ${endsAt.toISOString()}`
}

function nonEmpty(text: string): string {
  if (/^[^\p{Cc}]{1,200}$/u.test(text)) return text
  throw new InvalidArgumentError('It must have 1 to 200 printable characters.')
}
