import type { FastifyInstance } from "fastify"
import type { Static, TSchema } from "typebox"
import { Type } from "typebox"
import { Compile } from "typebox/compile"
import type { VendorState } from "../books.ts"
import { controlBody } from "../control.ts"
import { AmountMinor, answering, Currency, Milli, protocolFaultAnswer, Refusal, Unit } from "../http-json/protocol.ts"
import { createEventEmitter, type ProtocolEvent } from "../http-json/standard-webhooks.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"

// docs/reference/http-json-systems.md, "Catalogue". One simulator stands for a PIM, for a price engine or for both.

export type CatalogueSimulatorOptions = VendorOptions & { token?: string; webhookSecret?: string; retryScale?: number }

export const catalogueToken = "lab-catalogue-token"
/** Only suitable for a lab. */
export const catalogueWebhookSecret = `whsec_${Buffer.from("lab-catalogue-webhook-secret").toString("base64")}`

const Name = Type.String({ minLength: 1, maxLength: 255 })
const Short = Type.String({ minLength: 1, maxLength: 128 })
const Version = Type.Integer({ minimum: 1 })
const Money = Type.Object({ amountMinor: AmountMinor, currency: Currency })
const closed = { additionalProperties: false }

/** What each event must have, as the page says it. */
const schemas: Record<string, TSchema> = {
  "product.changed": Type.Object(
    {
      sku: Name,
      version: Version,
      renamedFrom: Type.Optional(Name),
      fields: Type.Array(
        Type.Object(
          {
            field: Short,
            channel: Type.Optional(Short),
            market: Type.Optional(Short),
            locale: Type.Optional(Short),
            location: Type.Optional(Short),
            value: Type.Optional(Type.Unknown()),
            cleared: Type.Optional(Type.Literal(true)),
          },
          closed,
        ),
        { maxItems: 500 },
      ),
    },
    closed,
  ),
  "product.removed": Type.Object({ sku: Name, version: Version }, closed),
  "price.set": Type.Object(
    {
      priceId: Short,
      version: Version,
      sku: Name,
      kind: Type.Enum(["base", "sale", "tier", "staff", "list", "map", "cost"]),
      amount: Money,
      tax: Type.Enum(["inclusive", "exclusive"]),
      market: Type.Optional(Short),
      channel: Type.Optional(Short),
      locationId: Type.Optional(Short),
      group: Type.Optional(Short),
      unit: Type.Optional(Unit),
      minimumMilli: Type.Optional(Milli),
      from: Type.Optional(Short),
      until: Type.Optional(Short),
      zone: Type.Optional(Short),
      endIncluded: Type.Optional(Type.Boolean()),
      rank: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
      compareAt: Type.Optional(Type.Union([Money, Type.Null()])),
    },
    closed,
  ),
  "price.ended": Type.Object({ priceId: Short, version: Version, sku: Name }, closed),
  "promotion.set": Type.Object({ promotionId: Short, version: Version, promotion: Type.Object({}) }, closed),
  "promotion.ended": Type.Object({ promotionId: Short, version: Version }, closed),
}
const compiled = new Map(Object.entries(schemas).map(([type, schema]) => [type, Compile(schema)]))

const Said = Type.Object({
  type: Short,
  fields: Type.Record(Type.String(), Type.Unknown()),
  silently: Type.Optional(Type.Boolean()),
  occurredAt: Type.Optional(Type.String({ format: "date-time" })),
})
const said = Compile(Said)

/** Starts the catalogue service of docs/reference/http-json-systems.md. */
export function startCatalogue(options: CatalogueSimulatorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "catalogue",
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => addRoutes(app, context, options),
  })
}

function addRoutes(app: FastifyInstance, context: SimulatorContext, options: CatalogueSimulatorOptions): VendorState {
  const emitter = createEventEmitter(context, {
    secret: options.webhookSecret ?? catalogueWebhookSecret,
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  let events: ProtocolEvent[] = []
  app.get(
    "/events",
    answering(options.token ?? catalogueToken, async (request) => {
      await context.begin(request, { operation: "listEvents" })
      const query = request.query as { after?: string; limit?: string }
      const after = wholeNumber(query.after, { name: "after", fallback: 0 })
      const limit = wholeNumber(query.limit, { name: "limit", fallback: 100 })
      if (limit < 1 || limit > 500) throw new Refusal(400, "INVALID_REQUEST", "limit must be 1 to 500")
      const page = events.slice(after, after + limit)
      return { status: 200, body: { events: page, next: String(Math.min(after, events.length) + page.length) } }
    }),
  )
  // What people do in the system: it says so, and with `silently` its webhook is lost, and `occurredAt` is the time
  // of a clock that is wrong.
  app.post("/__lab/events", (request, reply) => {
    const body: unknown = controlBody(request)
    if (!said.Check(body)) return reply.code(400).send({ message: "say { type, fields }" })
    const { type, fields, silently, occurredAt = new Date().toISOString() } = body as Static<typeof Said>
    const schema = compiled.get(type)
    if (!schema?.Check(fields)) {
      const [first] = schema?.Errors(fields) ?? []
      return reply.code(400).send({ message: `${type}${first?.instancePath ?? ""} ${first?.message ?? "is no event"}` })
    }
    const fact = `${String(fields["sku"] ?? fields["promotionId"])}/${String(fields["priceId"] ?? "")}/${String(fields["version"])}`
    const event = silently
      ? { type, eventId: `evt_${events.length}`, occurredAt, ...fields }
      : emitter.emit({ type, fact, fields })
    events.push(event)
    return { eventId: event.eventId }
  })
  return { books: () => ({ events }), reset: () => void (events = []), stop: () => undefined }
}

function wholeNumber(value: string | undefined, { name, fallback }: { name: string; fallback: number }): number {
  if (value === undefined) return fallback
  if (!/^\d{1,12}$/.test(value)) throw new Refusal(400, "INVALID_REQUEST", `${name} is not valid`)
  return Number(value)
}
