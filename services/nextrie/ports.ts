// Which TCP ports can be listened on: asked before a minute of work ends in "address in use".
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { RecommenderError } from '#shared/runtime/errors.ts'

/**
 * Listens for a moment. `undefined` when another program has the port; 0 finds a free one.
 *
 * @throws CONFIG_INVALID when nobody can listen there: the host is not of this machine, say.
 */
export async function freePort(host: string, port: number): Promise<number | undefined> {
  const server = createServer()
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return undefined
    const advice = `HOST must be an address of this machine, and PORT one that this user may take`
    throw new RecommenderError('CONFIG_INVALID', `cannot listen (${message}): ${advice}`, { cause })
  }
  const { port: found } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return found
}
