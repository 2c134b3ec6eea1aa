// A way to Postgres that can go silent, as a firewall makes it that has forgotten a connection: it stays
// open, and nothing comes through any more.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SilentProxy {
  /** The server's address by way of this. */
  readonly url: string
  /** Nothing comes through the connections that are open now. */
  silenceOpen(): void
  /** Nor, while this is true, through those that are made. */
  silenceNew(isSilent: boolean): void
  close(): Promise<void>
}

export async function startSilentProxy(databaseUrl: string): Promise<SilentProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let silenced = { isSilent: false }

  const server = createServer(client => {
    const mine = silenced
    const peer = connect(Number(target.port), target.hostname)
    pass(client, peer, mine)
    pass(peer, client, mine)
  })
  const pass = (from: Socket, to: Socket, mine: { readonly isSilent: boolean }) => {
    sockets.add(from)
    from.on('data', data => mine.isSilent || to.write(data))
    from.on('error', () => undefined) // 'close' follows
    from.on('close', () => {
      sockets.delete(from)
      if (!mine.isSilent) to.destroy()
    })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    silenceOpen() {
      silenced.isSilent = true
      silenced = { isSilent: false }
    },
    silenceNew(isSilent) {
      silenced = { isSilent }
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    }
  }
}
