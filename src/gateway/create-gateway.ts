import type { IncomingMessage } from "node:http"
import { fastify, type FastifyInstance, type FastifyRequest } from "fastify"
import { AppError } from "../base/errors.ts"
import { serveConsole } from "./console/serve-console.ts"
import { BodyBudget, type Body } from "./phases/body-budget.ts"
import type { GatewayCore } from "./core.ts"
import type { Exchange } from "./exchange.ts"
import { noteRequest, requestMetrics, Violations } from "./metrics.ts"
import { pipeline } from "./pipeline.ts"
import { RequestRunner } from "./request-runner.ts"
import type { Route } from "./route.ts"
import { metaRoutes } from "./routes/meta.ts"

declare module "fastify" {
  interface FastifyRequest {
    exchange: Exchange | undefined
  }
}

/** All routes, as data. The server, the OpenAPI document and the tests read the same list. */
export function gatewayRoutes(core: GatewayCore, resources: readonly Route[]): Route[] {
  return [...resources, ...metaRoutes(core, resources)]
}

const partLengthMax = 256
/** Sockets of one process. A system that calls us needs a handful, one that follows the log one. */
const connectionsMax = 2000
const bodyBudget = { bytesMax: 32 * 1024 * 1024, slowAfterMs: 2000 }
/** How long requests that are under way may take to end when the process is told to stop. */
const closingMs = 1500

/** Bodies stay bytes until the signature is checked and the validate phase parses them. */
function readBodies(app: FastifyInstance): void {
  const budget = new BodyBudget(bodyBudget)
  const held = new WeakMap<FastifyRequest, Body>()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", async (request: FastifyRequest, message: IncomingMessage) => {
    const body = await budget.read(message, request.routeOptions.bodyLimit ?? 0)
    held.set(request, body)
    return body.bytes
  })
  app.addHook("onResponse", async (request) => {
    const body = held.get(request)
    if (body) budget.release(body)
  })
}

/** On closing, long polls end at once and whatever else is under way after a moment: half a body would hold the process up. */
function endInTime(app: FastifyInstance, run: RequestRunner): void {
  let timer: NodeJS.Timeout | undefined
  app.addHook("preClose", async () => {
    run.beginClosing()
    timer = setTimeout(() => app.server.closeAllConnections(), closingMs)
  })
  app.addHook("onClose", async () => {
    clearTimeout(timer)
    run.close()
  })
}

function wrongAddress(code: string): AppError {
  const message =
    code === "FST_ERR_MAX_PARAM_LENGTH"
      ? `a part of it has more than ${partLengthMax} characters`
      : "it is not percent-encoded UTF-8"
  return new AppError("REQUEST_MALFORMED", `the address cannot be read: ${message}`, {
    problems: [{ pointer: "path:", message }],
  })
}

/** Makes the HTTP server. The caller calls `listen` and `close`; closing waits for running requests. */
export function createGateway(core: GatewayCore, resources: readonly Route[]): FastifyInstance {
  const app = fastify({
    logger: false,
    routerOptions: { maxParamLength: partLengthMax },
    // A slow sender must not occupy a socket for ever; the longest legitimate upload is a few MB.
    requestTimeout: 30_000,
    // Below the minute after which common load balancers drop a silent connection.
    keepAliveTimeout: 55_000,
    // Node looks at its time-outs every 30 s unless it is told otherwise.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1000 },
    return503OnClosing: true,
    // An address that no route can be looked up by: a part of it is too long, or it is not percent-encoded UTF-8.
    frameworkErrors: ({ code }, request, reply) => run.fail(wrongAddress(code), request, reply),
  })
  const violations = new Violations(core.registry, core.clock)
  const observe = requestMetrics(core.registry)
  const run = new RequestRunner({
    phases: pipeline(core, violations),
    violations,
    measure: (exchange, status, tookMs) => {
      observe(exchange, status, tookMs)
      noteRequest(exchange, status, tookMs)
    },
    log: core.log,
  })
  app.server.maxConnections = connectionsMax
  endInTime(app, run)
  app.decorateRequest("exchange", undefined)
  readBodies(app)
  app.setErrorHandler((thrown, request, reply) => run.fail(thrown, request, reply))
  app.setNotFoundHandler((request, reply) =>
    run.fail(new AppError("NOT_FOUND", "the route does not exist"), request, reply),
  )
  if (core.settings.consoleFolder !== undefined) serveConsole(app, core.settings.consoleFolder)
  for (const route of gatewayRoutes(core, resources))
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      bodyLimit: route.bodyLimitBytes,
      onRequest: (request, _reply, done) => run.begin(route, request, done),
      handler: (request, reply) => run.finish(request, reply),
    })
  return app
}
