// Fastify that answers every request with the same text, in a process of its own: what HTTP costs by
// itself. Say the number of bytes as its argument; it writes the port that it listens on.
import fastify from 'fastify'

const bytes = Number(process.argv[2])
const frame = JSON.stringify({ items: '' }).length
const answer = { items: 'x'.repeat(Math.max(0, bytes - frame)) }
const schema = {
  body: {
    type: 'object',
    properties: { items: { type: 'array', items: { type: 'string' } }, n: { type: 'integer' } }
  },
  response: { 200: { type: 'object', properties: { items: { type: 'string' } } } }
} as const

const app = fastify()
app.post('/v1/recommendations', { schema }, async () => answer)
const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${new URL(address).port}\n`)
