// Where the service listens. `localhost` may stand for two addresses, 127.0.0.1 and ::1, and a client takes
// either of them: both have to answer. Fastify would make a server of its own for the second, without what
// connection-faults.ts and drain.ts hang on the first. Here each further address is a door to the same server.
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as TcpServer } from 'node:net'
import { urlOf } from '#shared/runtime/url-of.ts'
import type { App } from './serving-parts.ts'

const others = new WeakMap<App['server'], TcpServer[]>()

/** All that lets connections in: the application's own server, and the doors to it. */
export function doorsOf({ server }: App): readonly TcpServer[] {
  return [server, ...(others.get(server) ?? [])]
}

/** Of other names than `localhost` the first address is taken, when it is listened on. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== 'localhost') return [host]
  const found = await lookup(host, { all: true, order: 'ipv4first' })
  return found.map(({ address }) => address)
}

/**
 * Listens on all addresses, with one port. One that this machine does not have is left out, and logged, as
 * long as it is not the first.
 *
 * @param port 0 takes any free one.
 * @throws what Node throws, as for a port that is taken.
 */
export async function listenOn(
  app: App,
  [first, ...more]: readonly string[],
  port: number
): Promise<void> {
  await app.listen({ host: first!, port })
  const taken = (app.server.address() as AddressInfo).port
  const doors: TcpServer[] = []
  others.set(app.server, doors)
  for (const host of more) {
    const place = { host, port: taken }
    const door = await openDoor(app, place)
    if (!door) continue
    doors.push(door)
    app.log.info(`Server listening at ${urlOf(place)}`)
  }
}

async function openDoor(
  { server, log }: App,
  place: { readonly host: string; readonly port: number }
): Promise<TcpServer | undefined> {
  // As Node's HTTP server takes its own: who has sent all may still be answered, and at once.
  const door = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
    server.emit('connection', socket)
  )
  try {
    await once(door.listen(place), 'listening')
    return door
  } catch (error) {
    if (!isMissing(error)) throw error
    log.warn({ err: error, address: place.host }, 'this machine has no such address: left out')
    return undefined
  }
}

/** As where IPv6 is off, though the name is still told to have an address of it. */
function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}
