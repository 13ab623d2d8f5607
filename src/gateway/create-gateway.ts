import { fastify, type FastifyInstance } from "fastify"
import { AppError } from "../base/errors.ts"
import type { GatewayCore } from "./core.ts"
import type { Exchange } from "./exchange.ts"
import { requestMetrics, Violations } from "./metrics.ts"
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
    return503OnClosing: true,
    // An address that no route can be looked up by: a part of it is too long, or it is not percent-encoded UTF-8.
    frameworkErrors: ({ code }, request, reply) => run.fail(wrongAddress(code), request, reply),
  })
  const violations = new Violations(core.registry, core.clock)
  const run = new RequestRunner({
    phases: pipeline(core, violations),
    violations,
    measure: requestMetrics(core.registry),
    log: core.log,
  })
  app.addHook("preClose", async () => run.beginClosing())
  app.addHook("onClose", async () => run.close())
  app.decorateRequest("exchange", undefined)
  // Bodies stay bytes until the signature is checked and the validate phase parses them.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body))
  app.setErrorHandler((thrown, request, reply) => run.fail(thrown, request, reply))
  app.setNotFoundHandler((request, reply) =>
    run.fail(new AppError("NOT_FOUND", "the route does not exist"), request, reply),
  )
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
