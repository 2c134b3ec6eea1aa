// Which TCP ports can be listened on: asked before a minute of work ends in "address in use".
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Listens for a moment. `undefined` when another program has the port; 0 finds a free one. */
export async function freePort(host: string, port: number): Promise<number | undefined> {
  const server = createServer()
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
  const { port: found } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return found
}
