// Serving as a plain Fastify application: no port, no environment, no timer. Everything it works
// with comes in as `parts`, so that a test can ask it as a client would.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import { authorize } from './authorize.ts'
import { measureCatalogue } from './catalogue-metrics.ts'
import { answerConnectionFaults, answerUnreadable } from './connection-faults.ts'
import { drainConnections } from './drain.ts'
import { answerError, answerNotFound } from './error-handler.ts'
import { limitReading } from './limit-reading.ts'
import { limitValues } from './limit-values.ts'
import { describeApi } from './openapi.ts'
import { measureRecommender, measureRequests } from './request-metrics.ts'
import { answeringTools } from './routes/answering-tools.ts'
import { addEvents } from './routes/events.ts'
import { addHealth } from './routes/health.ts'
import { addItemImport } from './routes/item-import.ts'
import { addItems } from './routes/items.ts'
import { addMetrics } from './routes/metrics.ts'
import { addPage } from './routes/page.ts'
import { addRecommendationBatch } from './routes/recommendation-batch.ts'
import { addRecommendations } from './routes/recommendations.ts'
import { addReleases } from './routes/releases.ts'
import { addScenarios } from './routes/scenarios.ts'
import { addSchemas } from './routes/schemas.ts'
import { addSimilarItems } from './routes/similar-items.ts'
import { addVisitors } from './routes/visitors.ts'
import { protectBrowsers } from './security-headers.ts'
import type { App, ServingParts } from './serving-parts.ts'

/** Bytes of a request's body, where the route does not say otherwise. */
const bodyLimit = 256 * 1024
/**
 * A client that has not sent its whole request by then is cut off: an import of many items takes minutes.
 * All other bodies have to come sooner, see limit-reading.ts.
 */
const requestTimeout = 300_000
/** Keys have 200 characters, and a character up to twelve in a path. */
const maxParamLength = 2400

/** Named here and not in routes/: deploy/ puts the folder beside the bundle made of this file. */
const pageFolder = new URL('./page/', import.meta.url)

/** Builds the application with all of its routes; the caller listens on it and closes it. */
export async function buildApp(parts: ServingParts): Promise<App> {
  const app = fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }), // /metrics counts instead
    bodyLimit,
    requestTimeout,
    routerOptions: { maxParamLength },
    frameworkErrors: answerError,
    clientErrorHandler: answerUnreadable,
    return503OnClosing: false, // what comes in while closing is answered, see drain.ts
    http: { requireHostHeader: false }, // connection-faults.ts asks for it
    ajv: { customOptions: strictAjv }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  drainConnections(app, parts.connections)
  answerConnectionFaults(app)
  limitReading(app)
  limitValues(app)
  measureRequests(app, parts.metrics)
  measureRecommender({ load: () => parts.recommender.load?.() }, parts.metrics)
  measureCatalogue({ state: () => parts.recommender.catalogueState?.() }, parts.metrics)
  await protectBrowsers(app)
  await describeApi(app)
  await addRoutes(app, parts)
  return app
}

/** Nothing is repaired: a request is taken as it is, or all of its faults are named. */
const strictAjv = {
  allErrors: true,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  verbose: true // tells the fault's schema, whose title the message quotes
} as const

async function addRoutes(app: App, parts: ServingParts): Promise<void> {
  await app.register(async (v1: App) => forVersion1(v1, parts), { prefix: '/v1' })
  addHealth(app, parts)
  addMetrics(app, parts)
  await addPage(app, pageFolder)
}

async function forVersion1(v1: App, parts: ServingParts): Promise<void> {
  v1.addHook('onSend', async (_, reply) => {
    reply.header('cache-control', 'private, no-store') // answers are about one visitor
  })
  await authorize(v1, parts)
  const tools = answeringTools(parts)
  addRecommendations(v1, parts, tools)
  addRecommendationBatch(v1, parts, tools)
  addSimilarItems(v1, parts, tools)
  addScenarios(v1, parts, tools)
  addEvents(v1, parts)
  addVisitors(v1, parts)
  addSchemas(v1)
  addItems(v1, parts)
  addItemImport(v1, parts)
  addReleases(v1, parts)
}
