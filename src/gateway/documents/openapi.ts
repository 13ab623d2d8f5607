import type { TObject, TSchema } from "typebox"
import { errorCatalogue, type ErrorCode } from "../../base/errors.ts"
import { newestVersion } from "../phases/versions.ts"
import type { Route } from "../route.ts"

const problemReference = { $ref: "#/components/schemas/Problem" }
const problemContent = { "application/problem+json": { schema: problemReference } }

/** The errors any route may return besides those it declares, by its credentials. */
function errorCodes(route: Route): ErrorCode[] {
  const codes: ErrorCode[] = ["STORAGE_UNAVAILABLE", "INVARIANT_BROKEN"]
  if (route.credentials === "consumer")
    codes.push("AUTHENTICATION_FAILED", "PERMISSION_MISSING", "RATE_LIMITED", "VERSION_UNKNOWN")
  if (route.credentials === "signature") codes.push("SIGNATURE_INVALID")
  if (route.body || route.credentials === "signature") codes.push("REQUEST_MALFORMED", "REQUEST_TOO_LARGE")
  if (route.body || route.query) codes.push("REQUEST_INVALID")
  if (route.path.includes("{")) codes.push("NOT_FOUND")
  if (route.repeats === "idempotency key") codes.push("IDEMPOTENCY_KEY_REUSED", "REQUEST_IN_PROGRESS")
  return codes
}

function responses(route: Route): Record<string, object> {
  const all: Record<string, object> = {}
  for (const [status, { description, schema }] of Object.entries(route.responses))
    all[status] = { description, ...(schema ? { content: { "application/json": { schema } } } : {}) }
  const byStatus = Map.groupBy(errorCodes(route), (code) => String(errorCatalogue[code].http))
  for (const [status, codes] of byStatus)
    all[status] ??= {
      description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].summary}`).join("\n\n"),
      content: problemContent,
    }
  return all
}

function parameters(route: Route): object[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", maxLength: 256 },
  }))
  const inQuery = queryParameters(route.querySchema)
  const headers = route.credentials === "consumer" ? [{ $ref: "#/components/parameters/Version" }] : []
  const key = route.repeats === "idempotency key" ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []
  return [...inPath, ...inQuery, ...headers, ...key]
}

function queryParameters(schema: TObject | undefined): object[] {
  if (!schema) return []
  const required = new Set<string>(schema.required ?? [])
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    in: "query",
    required: required.has(name),
    schema: property,
  }))
}

function operation(route: Route): object {
  const security = { consumer: [{ bearer: [route.scope] }], signature: [{ signature: [] }], none: [] }
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [route.path.split("/").find((part) => part !== "" && part !== "v1") ?? "meta"],
    security: security[route.credentials],
    parameters: parameters(route),
    ...requestBody(route),
    responses: responses(route),
    "x-tier": route.tier,
    "x-owner": route.owner,
    "x-criticality": route.criticality,
    "x-service-level": route.serviceLevel,
    "x-repeats": route.repeats,
    ...(route.scope === undefined ? {} : { "x-scope": route.scope, "x-reach": route.reach }),
    "x-body-limit-bytes": route.bodyLimitBytes,
    "x-time-limit-ms": route.timeLimitMs,
  }
}

function requestBody(route: Route): { requestBody?: object } {
  if (route.credentials === "signature")
    return {
      requestBody: { required: true, content: { "*/*": { schema: { description: "whatever the vendor sends" } } } },
    }
  if (!route.bodySchema) return {}
  const schema: TSchema = route.bodySchema
  const lines = { "application/x-ndjson": { schema: { description: "the same, one a line" } } }
  const xml = { "application/xml": { schema: { type: "string", description: route.xml } } }
  const content = {
    "application/json": { schema },
    ...(route.ndjson === undefined ? {} : lines),
    ...(route.xml === undefined ? {} : xml),
  }
  return { requestBody: { required: !route.isBodyOptional, content } }
}

function operationId({ method, path }: Route): string {
  const words = path
    .replaceAll(/[{}]/g, "")
    .split(/[/.-]/)
    .filter((word) => word !== "" && word !== "v1")
  return [method.toLowerCase(), ...words]
    .map((word, at) => (at === 0 ? word : word[0]?.toUpperCase() + word.slice(1)))
    .join("")
}

/** The OpenAPI 3.1 document of these routes. TypeBox schemas are JSON Schema, so the document contains them unchanged. */
export function openApiDocument(routes: readonly Route[], title: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route)
  return {
    openapi: "3.1.0",
    info: { title, version: newestVersion, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: { schemas: { Problem: problemSchema }, securitySchemes, parameters: sharedParameters },
  }
}

const securitySchemes = {
  bearer: { type: "http", scheme: "bearer", description: "An API key (`cdk_…`) or an OAuth2 client-credentials token" },
  signature: {
    type: "apiKey",
    in: "header",
    name: "signature",
    description: "The vendor's own signature over the raw bytes, in the vendor's own header",
  },
}

const sharedParameters = {
  Version: {
    name: "Crossdock-Version",
    in: "header",
    description: "Date version to read the request as; default: the consumer's pinned version",
    schema: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "A repeat within a day with the same key and body gets the first response",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
}

const problemSchema = {
  type: "object",
  description: "RFC 9457",
  required: ["type", "title", "status", "code", "correlationId", "docs"],
  properties: {
    type: { type: "string", format: "uri-reference" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(errorCatalogue) },
    correlationId: { type: "string" },
    problems: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "message"],
        properties: {
          pointer: {
            type: "string",
            description:
              "JSON pointer into the body; ? and the name of a query parameter; path: or header: and the name of a part of those",
          },
          message: { type: "string" },
          code: { type: "string" },
        },
      },
    },
    docs: { type: "string" },
  },
}
