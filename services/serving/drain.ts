// Closing without cutting anyone off, and without waiting for those who have nothing more to say.
//
// Told to stop, a process first says so at /health/ready, and answers on for a moment: time for whoever
// spreads the requests to send them elsewhere. Then nobody is let in any more, and each answer ends its
// connection. It does so only now: clients that came back at once would stand at the door while it shuts.
// Those connected without a request get a second in which to send one, and are closed.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type Socket, Server as TcpServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { doorsOf } from './listen.ts'
import type { App } from './serving-parts.ts'

/** What /health/ready looks at. */
export interface Ending {
  isNear: boolean
}

export interface ConnectionLimits {
  /** A client that takes nothing of its answer for so long is cut off. */
  readonly stalledMs: number
  /** The same while closing, and for one that sends nothing. */
  readonly closingStalledMs: number
  /** For what is sent on open connections while the process closes. */
  readonly lingerMs: number
}

const standardLimits: ConnectionLimits = {
  stalledMs: 30_000,
  closingStalledMs: 1000,
  lingerMs: 0
}
const lookAgainMs = 50

/** Waits until whoever looks at readiness has seen it, or nobody is connected. */
export async function announceEnd(app: App, ending: Ending, graceMs: number): Promise<void> {
  ending.isNear = true
  await untilNone(graceMs, () => connectionsOf(app))
}

async function connectionsOf(app: App): Promise<number> {
  const counts = await Promise.all(doorsOf(app).map(connectionsBy))
  return counts.reduce((sum, count) => sum + count)
}

function connectionsBy(door: TcpServer): Promise<number> {
  return new Promise((resolve, reject) =>
    door.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  )
}

async function untilNone(forMs: number, count: () => number | Promise<number>): Promise<void> {
  const end = performance.now() + forMs
  while (performance.now() < end && (await count()) > 0) await pause(lookAgainMs)
}

/** Cuts off who stalls, at any time; and closes as told above. */
export function drainConnections(app: App, limits: Partial<ConnectionLimits> = {}): void {
  const { stalledMs, closingStalledMs, lingerMs } = { ...standardLimits, ...limits }
  const { server } = app
  const open = new Set<Socket>()
  const asked = new WeakMap<Socket, IncomingMessage>()
  let isClosing = false
  let hurrying: NodeJS.Timeout | undefined

  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  app.addHook('onRequest', async ({ raw }, reply) => {
    const { socket } = raw
    asked.set(socket, raw)
    reply.raw.once('close', () => {
      if (asked.get(socket) === raw) asked.delete(socket)
    })
  })
  server.setTimeout(stalledMs, socket => {
    if (isClosing || !asked.has(socket) || socket.writableLength > 0) socket.destroy()
  })
  app.addHook('onSend', async (_, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    isClosing = true
    const doors = doorsOf(app)
    const othersClosed = doors.slice(1).map(door => once(door, 'close'))
    // Not the server's own close(), which also closes connections on which a request may be on its way.
    for (const door of doors) if (door.listening) TcpServer.prototype.close.call(door)
    const waiting = () => Array.from(open).filter(socket => !asked.has(socket))
    await untilNone(lingerMs, () => waiting().length)
    for (const socket of waiting()) socket.destroy()
    hurrying = setInterval(hurry, lookAgainMs)
    await Promise.all(othersClosed) // of its own connections the server is waited for by Fastify
  })
  app.addHook('onClose', async () => clearInterval(hurrying))

  function hurry(): void {
    for (const socket of open) {
      const isOurTurn = asked.get(socket)?.complete && socket.writableLength === 0
      const wanted = isOurTurn ? 0 : closingStalledMs
      if (socket.timeout !== wanted) socket.setTimeout(wanted)
    }
  }
}
