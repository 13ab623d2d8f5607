import { fastify } from "fastify"
import { answerParent } from "./answer-parent.ts"

// The floor of HTTP: plain Fastify with the same body, schema and response, which does nothing.

// As src/gateway/routes/reservations.ts describes one reservation, in plain JSON Schema for Fastify's own validator.
const body = {
  type: "object",
  additionalProperties: false,
  required: ["key", "owner", "kind", "lines"],
  properties: {
    key: { type: "string", pattern: "^[\\w.:-]{1,128}$" },
    owner: { type: "string", minLength: 1, maxLength: 128 },
    channel: { type: "string", minLength: 1, maxLength: 64 },
    kind: { enum: ["soft", "hard"] },
    expiresAt: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$" },
    lines: {
      type: "array",
      minItems: 1,
      maxItems: 500,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["sku", "milli"],
        properties: {
          lineId: { type: "string", minLength: 1, maxLength: 64 },
          sku: { type: "string", minLength: 1, maxLength: 64 },
          locationId: { type: "string", minLength: 1, maxLength: 64 },
          milli: { type: "integer", minimum: 1, maximum: 1_000_000_000_000 },
        },
      },
    },
  },
}
const answer = {
  type: "object",
  properties: {
    key: { type: "string" },
    granted: { type: "boolean" },
    duplicate: { type: "boolean" },
    state: { type: "string" },
  },
}

const app = fastify({ logger: false })
app.post<{ Body: { key: string } }>(
  "/v1/reservations",
  { schema: { body, response: { 200: answer } } },
  (request, reply) => reply.send({ key: request.body.key, granted: true, duplicate: false, state: "held" }),
)

answerParent({ listen: () => app.listen({ host: "127.0.0.1", port: 0 }) })
