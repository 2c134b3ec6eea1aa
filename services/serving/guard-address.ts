// Where the service may listen. Without an API key anybody who reaches it may ask, write and erase:
// then nobody outside this machine may reach it.
import { BlockList, isIP } from 'node:net'
import { listKeys } from '#shared/apikeys/stored-keys.ts'
import { type Pool, toDatabaseError } from '#shared/database/pool.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine reaches the address. Of names, `localhost` alone is trusted to say so. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * @throws CONFIG_INVALID for an address beyond loopback while no API key is valid; MIGRATION_FAILED or
 * DATABASE_UNAVAILABLE when the keys cannot be read.
 */
export async function guardAddress(pool: Pool, host: string): Promise<void> {
  if (isLoopback(host)) return
  const keys = await listKeys(pool).catch(error => {
    throw toDatabaseError(error)
  })
  if (keys.some(({ isValid }) => isValid)) return
  throw new RecommenderError(
    'CONFIG_INVALID',
    `HOST ${host} is not a loopback address, and there is no valid API key: make one with ` +
      '`nextrie keys create NAME --role read`, or set HOST=127.0.0.1'
  )
}
