// What browsers are told not to do with our answers. Everything the pages need comes from us, so
// no other origin and no inline script is allowed.
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

export async function protectBrowsers(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
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
}
