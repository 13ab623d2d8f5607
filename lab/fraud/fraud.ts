import type { FastifyInstance, FastifyRequest } from "fastify"
import type { Static } from "typebox"
import { Type } from "typebox"
import { controlBody } from "../control.ts"
import type { FaultSettings } from "../faults.ts"
import type { ProtocolAnswer } from "../http-json/protocol.ts"
import {
  Address,
  AmountMinor,
  answering,
  bodyReader,
  Currency,
  derivedId,
  Id,
  Milli,
  protocolFaultAnswer,
  Refusal,
  Text,
  Unit,
} from "../http-json/protocol.ts"
import type { EventEmitter } from "../http-json/standard-webhooks.ts"
import { createEventEmitter } from "../http-json/standard-webhooks.ts"
import { randomStream } from "../random.ts"
import type { Range } from "../schedule.ts"
import { createSchedule } from "../schedule.ts"
import type { Simulator, SimulatorContext, VendorState } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { Decision, FraudShares } from "./judgement.ts"
import { defaultShares, judge } from "./judgement.ts"

export type FraudSimulatorOptions = {
  seed: number
  port?: number
  faults?: FaultSettings
  token?: string
  webhookSecret?: string
  webhookTarget?: string
  retryScale?: number
  shares?: Partial<FraudShares>
  /** How long a review lies on a desk; null leaves reviews to `POST /__lab/decisions`. */
  reviewMs?: Range | null
}

export const fraudToken = "lab-fraud-token"
/** Fit for a lab only. */
export const fraudWebhookSecret = `whsec_${Buffer.from("lab-fraud-webhook-secret").toString("base64")}`

const ScreeningRequest = Type.Object({
  reference: Id,
  amount: Type.Object({ amountMinor: AmountMinor, currency: Currency }),
  email: Type.String({ maxLength: 320 }),
  ipAddress: Type.Optional(Type.String({ maxLength: 64 })),
  shipTo: Address,
  billTo: Type.Optional(Address),
  lines: Type.Array(Type.Object({ sku: Text, quantityMilli: Milli, unit: Unit, amountMinor: AmountMinor }), {
    minItems: 1,
    maxItems: 200,
  }),
})
type ScreeningRequest = Static<typeof ScreeningRequest>

type Screening = {
  screeningId: string
  reference: string
  decision: Decision
  score: number
  reasons: string[]
  final: "accept" | "reject" | null
  isReviewOpen: boolean
  /** How often it was looked at again: each time is an event of its own. */
  rounds: number
}

const readScreening = bodyReader(ScreeningRequest)

/** Starts the fraud service of docs/reference/http-json-systems.md. */
export function startFraud(options: FraudSimulatorOptions): Promise<Simulator> {
  return startSimulator({
    name: "fraud",
    seed: options.seed,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(options.webhookTarget === undefined ? {} : { webhookTarget: options.webhookTarget }),
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => addScreenings(app, context, options),
  })
}

function addScreenings(app: FastifyInstance, context: SimulatorContext, options: FraudSimulatorOptions): VendorState {
  const emitter = createEventEmitter(context, {
    secret: options.webhookSecret ?? fraudWebhookSecret,
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  const desk = createDesk(context, { emitter, options })
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
  return { books: () => ({ screenings: desk.all().map(withFinal) }), reset: desk.reset, stop: desk.reset }
}

type DeskParts = { emitter: EventEmitter; options: FraudSimulatorOptions }

/** The people (or models) who decide: keeps every screening and ends reviews after a while. */
function createDesk(context: SimulatorContext, { emitter, options }: DeskParts) {
  const screenings = new Map<string, Screening>()
  const schedule = createSchedule()
  const shares = { ...defaultShares, ...options.shares }
  const reviewMs = options.reviewMs === undefined ? { min: 300, max: 1_500 } : options.reviewMs

  const decide = (reference: string, decision: "accept" | "reject"): boolean => {
    const screening = screenings.get(reference)
    if (screening === undefined || !screening.isReviewOpen) return false
    screening.isReviewOpen = false
    screening.final = decision
    emitter.emit({
      type: "screening.decided",
      fact: `${reference}/${screening.rounds}`,
      fields: { reference, decision },
    })
    return true
  }
  const reopen = (reference: string): boolean => {
    const screening = screenings.get(reference)
    if (screening === undefined || screening.isReviewOpen || screening.decision !== "accept") return false
    if (screening.final === "reject") return false
    screening.isReviewOpen = true
    screening.final = null
    screening.rounds += 1
    emitter.emit({ type: "screening.review-opened", fact: `${reference}/${screening.rounds}`, fields: { reference } })
    return true
  }
  return {
    find: (reference: string): Screening | undefined => screenings.get(reference),
    all: (): Screening[] => [...screenings.values()],
    decide,
    reopen,
    open: (asked: ScreeningRequest): Screening => {
      const { reference, email } = asked
      const judgement = judge({ seed: context.seed, reference, email, shares })
      const { decision, score, reasons, reviewEndsWith, isReviewedLater } = judgement
      const isReviewOpen = decision === "review"
      const final = decision === "review" ? null : decision
      const screeningId = derivedId("scr_", reference)
      const screening: Screening = { screeningId, reference, decision, score, reasons, final, isReviewOpen, rounds: 0 }
      screenings.set(reference, screening)
      if (reviewEndsWith === undefined || reviewMs === null) return screening
      const random = randomStream(context.seed, `fraud/review/${reference}`)
      const openMs = isReviewedLater ? random.integer(reviewMs.min, reviewMs.max) : 0
      if (isReviewedLater) schedule.after(openMs, () => reopen(reference))
      schedule.after(openMs + random.integer(reviewMs.min, reviewMs.max), () => decide(reference, reviewEndsWith))
      return screening
    },
    reset: (): void => {
      schedule.clear()
      screenings.clear()
    },
  }
}

function firstAnswer({
  screeningId,
  reference,
  decision,
  score,
  reasons,
}: Screening): Omit<Screening, "final" | "isReviewOpen" | "rounds"> {
  return { screeningId, reference, decision, score, reasons }
}

function withFinal(screening: Screening): Omit<Screening, "isReviewOpen" | "rounds"> {
  return { ...firstAnswer(screening), final: screening.final }
}

function referenceAsked(request: FastifyRequest): string {
  // Fastify's default query parser gives text or lists of text.
  const { reference } = request.query as { reference?: unknown }
  if (typeof reference !== "string" || reference === "")
    throw new Refusal(400, "INVALID_REQUEST", "reference is required in the query")
  return reference
}
