import { Type } from "typebox"
import { asyncApiDocument } from "../documents/asyncapi.ts"
import { openApiDocument } from "../documents/openapi.ts"
import { sleep } from "../../base/time.ts"
import type { GatewayCore, ReadinessCheck } from "../core.ts"
import { errorsPage } from "../phases/describe-errors.ts"
import { route, type Route } from "../route.ts"

const governed = {
  method: "GET",
  tier: "experience",
  owner: "platform",
  criticality: "normal",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  repeats: "safe",
} as const

const Readiness = Type.Object({
  isReady: Type.Boolean(),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      isReady: Type.Boolean(),
      isAdvisory: Type.Optional(Type.Boolean()),
      detail: Type.Optional(Type.String()),
    }),
  ),
})

const readyWithinMs = 2_000

// A check that hangs or throws counts as not ready. The caller must not wait for the dependency it checks.
async function checkedInTime(readiness: GatewayCore["readiness"]): Promise<readonly ReadinessCheck[]> {
  const name = "checks"
  const done = new AbortController()
  const late = sleep(readyWithinMs, done.signal).then(
    () => [{ name, isReady: false, detail: `no response within ${readyWithinMs} ms` }],
    () => [],
  )
  const checks = readiness().catch(() => [{ name, isReady: false, detail: "a check failed" }])
  try {
    return await Promise.race([checks, late])
  } finally {
    done.abort()
  }
}

/** Routes about the gateway itself. `others` are the remaining routes of the OpenAPI document. */
export function metaRoutes(core: GatewayCore, others: readonly Route[]): Route[] {
  const { registry, readiness, settings } = core
  let made: object | undefined
  let events: object | undefined
  const document = (): object => (made ??= openApiDocument([...others, ...routes], settings.title ?? "Crossdock"))
  const page = errorsPage()
  const routes: Route[] = [
    route({
      ...governed,
      path: "/openapi.json",
      credentials: "none",
      summary: "Read this document: OpenAPI 3.1, generated from the routes' declarations.",
      responses: { 200: { description: "OpenAPI 3.1" } },
      handle: () => ({ status: 200, body: document() }),
    }),
    route({
      ...governed,
      path: "/asyncapi.json",
      credentials: "none",
      summary: "Read the business events: AsyncAPI 3.0, generated from the catalogue of events.",
      responses: { 200: { description: "AsyncAPI 3.0" } },
      handle: () => ({ status: 200, body: (events ??= asyncApiDocument(settings.title ?? "Crossdock")) }),
    }),
    route({
      ...governed,
      path: "/errors",
      credentials: "none",
      summary: "List every error code as a web page. The `type` of a problem links here.",
      responses: { 200: { description: "A page" } },
      handle: () => ({ status: 200, body: page, contentType: "text/html; charset=utf-8" }),
    }),
    route({
      ...governed,
      path: "/healthz",
      credentials: "none",
      criticality: "high",
      summary: "Check whether the process runs. Does not check its dependencies.",
      responses: { 200: { description: "It runs", schema: Type.Object({ status: Type.Literal("ok") }) } },
      handle: () => ({ status: 200, body: { status: "ok" } }),
    }),
    route({
      ...governed,
      path: "/readyz",
      credentials: "none",
      criticality: "high",
      summary:
        "Check whether requests can be accepted now. Background readers that are behind are listed, and keep no request out.",
      responses: {
        200: { description: "Ready", schema: Readiness },
        503: { description: "Not ready, and why", schema: Readiness },
      },
      handle: async () => {
        const checks = await checkedInTime(readiness)
        const isReady = checks.every((check) => check.isReady || check.isAdvisory)
        return { status: isReady ? 200 : 503, body: { isReady, checks } }
      },
    }),
    route({
      ...governed,
      path: "/metrics",
      ...(settings.metricsNeedKey ? { credentials: "consumer", scope: "metrics:read" } : { credentials: "none" }),
      summary: "Read the Prometheus metrics. Whether that needs a key is set by CROSSDOCK_METRICS.",
      responses: { 200: { description: "Prometheus text format" } },
      handle: async () => ({ status: 200, body: await registry.metrics(), contentType: registry.contentType }),
    }),
  ]
  return routes
}
