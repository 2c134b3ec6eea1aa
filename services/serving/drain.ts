// Closing without cutting anyone off, and without waiting for those who have nothing more to say.
import type { App } from './serving-parts.ts'

/**
 * Answers that are given while the application closes end their connection. A client otherwise keeps
 * it open for the next request, and closing would wait for more than a minute.
 */
export function drainConnections(app: App): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onSend', async (_, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
}
