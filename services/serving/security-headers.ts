// What browsers are told not to do with our answers. Everything the pages need comes from us, so
// no other origin and no inline script is allowed.
//
// The headers are the same for every answer. Helmet writes them anew for each, which took a tenth of the
// time that a request for recommendations takes of this thread: here the first answer's are kept.
import type { OutgoingHttpHeaders } from 'node:http'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply } from 'fastify'

export async function protectBrowsers(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    global: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        styleSrc: ["'self'"]
      }
    },
    // We speak plain HTTP on loopback; whoever puts TLS in front of it promises this.
    strictTransportSecurity: false
  })
  let headers: OutgoingHttpHeaders | undefined
  app.addHook('onRequest', (_, reply, done) => {
    headers ??= headersOf(reply)
    reply.headers(headers)
    done()
  })
}

function headersOf(reply: FastifyReply): OutgoingHttpHeaders {
  reply.helmet()
  return reply.raw.getHeaders()
}
