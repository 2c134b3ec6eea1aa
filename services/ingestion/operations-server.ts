// What those who run ingestion ask it: GET /metrics, /health/live, /health/ready. Three fixed answers
// need no framework.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Metrics } from '#shared/runtime/metrics.ts'
import { urlOf } from '#shared/runtime/url-of.ts'
import type { Health, HealthStatus } from './health.ts'

export interface OperationsOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly metrics: Metrics
  readonly health: () => Health
}

export interface OperationsServer {
  readonly url: string
  close(): Promise<void>
}

const unready: readonly HealthStatus[] = ['starting', 'away', 'stuck']

/** @throws CONFIG_INVALID when the port is taken. */
export async function startOperationsServer(options: OperationsOptions): Promise<OperationsServer> {
  const { host, port, metrics, health } = options
  const server = createServer((request, response) => {
    const { status, ...rest } = health()
    switch (routeOf(request)) {
      case '/health/live':
        return sendJson(response, status === 'stuck' ? 503 : 200, { status, ...rest })
      case '/health/ready':
        return sendJson(response, unready.includes(status) ? 503 : 200, { status, ...rest })
      case '/metrics':
        return void sendMetrics(response, metrics)
      default:
        return sendJson(response, 404, { routes: ['/metrics', '/health/live', '/health/ready'] })
    }
  })
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
    const message = `cannot listen on ${host}:${port}; end the program that does, or set INGESTION_PORT (0 takes any)`
    throw new RecommenderError('CONFIG_INVALID', message, { cause })
  }
  const listening = server.address() as AddressInfo
  return {
    url: urlOf({ host: listening.address, port: listening.port }),
    close: async () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** The path alone, whatever stands behind it; HEAD is answered as GET, and Node leaves out the body. */
function routeOf({ method, url = '' }: IncomingMessage): string | undefined {
  return method === 'GET' || method === 'HEAD' ? url.split('?', 1)[0] : undefined
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const page = await metrics.metrics()
    response.writeHead(200, { 'content-type': metrics.contentType }).end(page)
  } catch (error) {
    sendJson(response, 500, { detail: (error as Error).message })
  }
}
