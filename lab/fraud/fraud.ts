import type { FastifyInstance, FastifyRequest } from "fastify"
import type { Static } from "typebox"
import { Type } from "typebox"
import { controlBody } from "../control.ts"
import type { ProtocolAnswer } from "../http-json/protocol.ts"
import {
  Address,
  AmountMinor,
  answering,
  bodyReader,
  Currency,
  Id,
  linesMax,
  Milli,
  protocolFaultAnswer,
  Refusal,
  Text,
  Unit,
} from "../http-json/protocol.ts"
import { createEventEmitter } from "../http-json/standard-webhooks.ts"
import type { Range } from "../schedule.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { Screening } from "./desk.ts"
import { Desk } from "./desk.ts"
import type { FraudShares } from "./judgement.ts"

export type FraudSimulatorOptions = VendorOptions & {
  token?: string
  webhookSecret?: string
  retryScale?: number
  shares?: Partial<FraudShares>
  /** Duration of a review; null: only `POST /__lab/decisions` ends reviews. */
  reviewMs?: Range | null
}

export const fraudToken = "lab-fraud-token"
/** Only suitable for a lab. */
export const fraudWebhookSecret = `whsec_${Buffer.from("lab-fraud-webhook-secret").toString("base64")}`

export const ScreeningRequest = Type.Object({
  reference: Id,
  amount: Type.Object({ amountMinor: AmountMinor, currency: Currency }),
  email: Type.String({ maxLength: 320 }),
  ipAddress: Type.Optional(Type.String({ maxLength: 64 })),
  shipTo: Address,
  billTo: Type.Optional(Address),
  lines: Type.Array(Type.Object({ sku: Text, quantityMilli: Milli, unit: Unit, amountMinor: AmountMinor }), {
    minItems: 1,
    maxItems: linesMax,
  }),
})
type ScreeningRequest = Static<typeof ScreeningRequest>

const readScreening = bodyReader(ScreeningRequest)

/** Starts the fraud service of docs/reference/http-json-systems.md. */
export function startFraud(options: FraudSimulatorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "fraud",
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => addScreenings(app, context, options),
  })
}

function addScreenings(app: FastifyInstance, context: SimulatorContext, options: FraudSimulatorOptions): VendorState {
  const emitter = createEventEmitter(context, {
    secret: options.webhookSecret ?? fraudWebhookSecret,
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  const desk = new Desk(context, { emitter, shares: options.shares, reviewMs: options.reviewMs })
  const token = options.token ?? fraudToken
  app.post(
    "/screenings",
    answering(token, async (request) => {
      const asked = readScreening(request)
      const sentinel = `${asked.reference} ${asked.email} ${asked.shipTo.line2 ?? ""}`
      const call = await context.begin(request, { operation: "screen", sentinel })
      const known = desk.find(asked.reference)
      if (known !== undefined) return { status: 200, body: firstAnswer(known) }
      return { status: 201, body: firstAnswer(call.commit(() => desk.open(asked))) }
    }),
  )
  app.get(
    "/screenings",
    answering(token, async (request): Promise<ProtocolAnswer> => {
      await context.begin(request, { operation: "findScreenings" })
      const found = desk.find(referenceAsked(request))
      return { status: 200, body: { screenings: found === undefined ? [] : [withFinal(found)] } }
    }),
  )
  app.post("/__lab/decisions", (request) => {
    const { reference, decision } = controlBody(request)
    return { decided: desk.decide(String(reference), decision === "reject" ? "reject" : "accept") }
  })
  app.post("/__lab/reviews", (request) => ({ opened: desk.reopen(String(controlBody(request)["reference"])) }))
  return {
    books: () => ({ screenings: desk.all().map(withFinal) }),
    reset: () => desk.reset(),
    stop: () => desk.stop(),
  }
}

function firstAnswer({
  screeningId,
  reference,
  decision,
  score,
  reasons,
}: Screening): Omit<Screening, "final" | "isReviewOpen" | "rounds" | "plan"> {
  return { screeningId, reference, decision, score, reasons }
}

function withFinal(screening: Screening): Omit<Screening, "isReviewOpen" | "rounds" | "plan"> {
  return { ...firstAnswer(screening), final: screening.final }
}

function referenceAsked(request: FastifyRequest): string {
  // Fastify's default query parser gives text or lists of text.
  const { reference } = request.query as { reference?: unknown }
  if (typeof reference !== "string" || reference === "")
    throw new Refusal(400, "INVALID_REQUEST", "reference is required in the query")
  return reference
}
