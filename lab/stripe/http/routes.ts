import type { FastifyInstance } from "fastify"
import type { Account } from "../payments/account.ts"
import { chargeOf, demandCard, intentOf } from "../payments/account.ts"
import type { Ask, EndpointParts } from "./endpoint.ts"
import { reading, writing } from "./endpoint.ts"
import { limitOf, pageOf } from "./listing.ts"
import { balanceObject, payoutObject } from "../payments/balance.ts"
import { chargeObject, methodObject, refundObject } from "../payments/objects.ts"
import { requiredText, text } from "./params.ts"
import {
  cancelIntent,
  captureIntent,
  confirmIntent,
  createIntent,
  intentView,
  updateIntent,
} from "../payments/payment-intents.ts"
import type { IntentRecord } from "../payments/records.ts"
import { nowSeconds } from "../payments/records.ts"
import type { SettleLater } from "../payments/refunds.ts"
import { createRefund, refundOf, refundsOf } from "../payments/refunds.ts"
import { searchIntents } from "../payments/search.ts"
import { errorBody, missingResource } from "./stripe-error.ts"

export type StripeRoutes = { account: Account; parts: EndpointParts; searchLagMs: number; settleLater: SettleLater }

/** Paths: npm stripe 23.1.0, resources PaymentIntents, Refunds, Charges, Events. */
export function addStripeRoutes(app: FastifyInstance, routes: StripeRoutes): void {
  addIntentWrites(app, routes)
  addIntentReads(app, routes)
  addRefundRoutes(app, routes)
  addChargesAndEvents(app, routes)
  addBalanceRoutes(app, routes)
  app.setNotFoundHandler((request, reply) => {
    const message = `Unrecognized request URL (${request.method}: ${request.url.split("?", 1)[0]}).`
    return reply.code(404).send(errorBody({ message }))
  })
}

function addIntentWrites(app: FastifyInstance, { account, parts }: StripeRoutes): void {
  const onIntent =
    (act: (account: Account, intent: IntentRecord, fields: Ask["fields"]) => IntentRecord) =>
    ({ fields, id }: Ask): unknown =>
      intentView(account, act(account, intentOf(account, id), fields), fields)
  app.post(
    "/v1/payment_intents",
    writing(parts, "createPaymentIntent", ({ fields }) => intentView(account, createIntent(account, fields), fields)),
  )
  app.post("/v1/payment_intents/:id", writing(parts, "updatePaymentIntent", onIntent(updateIntent)))
  app.post("/v1/payment_intents/:id/confirm", writing(parts, "confirmPaymentIntent", onIntent(confirmIntent)))
  app.post("/v1/payment_intents/:id/capture", writing(parts, "capturePaymentIntent", onIntent(captureIntent)))
  app.post("/v1/payment_intents/:id/cancel", writing(parts, "cancelPaymentIntent", onIntent(cancelIntent)))
}

function addIntentReads(app: FastifyInstance, { account, parts, searchLagMs }: StripeRoutes): void {
  app.get(
    "/v1/payment_intents/search",
    reading(parts, "searchPaymentIntents", ({ fields }) => {
      const found = searchIntents(account, { query: requiredText(fields, "query"), lagMs: searchLagMs })
      const limit = limitOf(fields)
      const start = Number(text(fields, "page") ?? "0")
      const data = found.slice(start, start + limit).map((intent) => intentView(account, intent, fields))
      const hasMore = found.length > start + limit
      const url = "/v1/payment_intents/search"
      return {
        object: "search_result",
        url,
        has_more: hasMore,
        next_page: hasMore ? String(start + limit) : null,
        data,
      }
    }),
  )
  app.get(
    "/v1/payment_methods/:id",
    reading(parts, "retrievePaymentMethod", ({ id }) => {
      const saved = account.methods.get(id)
      if (saved === undefined) demandCard(account, id)
      return methodObject(saved ?? { id, card: id, customer: null, created: nowSeconds() })
    }),
  )
  app.get(
    "/v1/payment_intents/:id",
    reading(parts, "retrievePaymentIntent", ({ fields, id }) => intentView(account, intentOf(account, id), fields)),
  )
  app.get(
    "/v1/payment_intents",
    reading(parts, "listPaymentIntents", ({ fields }) => {
      const all = [...account.intents.values()].reverse()
      return pageOf(all, { fields, url: "/v1/payment_intents", view: (intent) => intentView(account, intent, fields) })
    }),
  )
}

function addRefundRoutes(app: FastifyInstance, { account, parts, settleLater }: StripeRoutes): void {
  app.post(
    "/v1/refunds",
    writing(parts, "createRefund", ({ fields }) => refundObject(createRefund(account, fields, settleLater))),
  )
  app.get(
    "/v1/refunds/:id",
    reading(parts, "retrieveRefund", ({ id }) => refundObject(refundOf(account, id))),
  )
  app.get(
    "/v1/refunds",
    reading(parts, "listRefunds", ({ fields }) => {
      const intentId = text(fields, "payment_intent")
      const chargeId = text(fields, "charge")
      const filter = {
        ...(intentId === undefined ? {} : { intentId }),
        ...(chargeId === undefined ? {} : { chargeId }),
      }
      return pageOf(refundsOf(account, filter), { fields, url: "/v1/refunds", view: refundObject })
    }),
  )
}

function addChargesAndEvents(app: FastifyInstance, { account, parts }: StripeRoutes): void {
  app.get(
    "/v1/charges/:id",
    reading(parts, "retrieveCharge", ({ id }) => chargeObject(chargeOf(account, id))),
  )
  app.get(
    "/v1/charges",
    reading(parts, "listCharges", ({ fields }) => {
      const intentId = text(fields, "payment_intent")
      const ids =
        intentId === undefined ? [...account.charges.keys()] : (account.intents.get(intentId)?.chargeIds ?? [])
      const charges = ids.flatMap((id) => account.charges.get(id) ?? []).reverse()
      return pageOf(charges, { fields, url: "/v1/charges", view: chargeObject })
    }),
  )
  app.get(
    "/v1/events/:id",
    reading(parts, "retrieveEvent", ({ id }) => {
      const found = parts.events.find(id)
      if (found === undefined) throw missingResource("event", id, "id")
      return found
    }),
  )
  app.get(
    "/v1/events",
    reading(parts, "listEvents", ({ fields }) => {
      const type = text(fields, "type")
      const events = parts.events.all().filter((event) => type === undefined || event.type === type)
      return pageOf(events.reverse(), { fields, url: "/v1/events", view: (event) => event })
    }),
  )
}

function addBalanceRoutes(app: FastifyInstance, { account, parts }: StripeRoutes): void {
  app.get(
    "/v1/balance_transactions",
    reading(parts, "listBalanceTransactions", ({ fields }) => {
      const payoutId = text(fields, "payout")
      const type = text(fields, "type")
      const wanted = [...account.balance.values()].filter(
        (record) =>
          (payoutId === undefined || record.payoutId === payoutId) && (type === undefined || record.type === type),
      )
      return pageOf(wanted.reverse(), { fields, url: "/v1/balance_transactions", view: balanceObject })
    }),
  )
  app.get(
    "/v1/balance_transactions/:id",
    reading(parts, "retrieveBalanceTransaction", ({ id }) => {
      const found = account.balance.get(id)
      if (found === undefined) throw missingResource("balance_transaction", id, "id")
      return balanceObject(found)
    }),
  )
  app.get(
    "/v1/payouts",
    reading(parts, "listPayouts", ({ fields }) =>
      pageOf([...account.payouts.values()].reverse(), { fields, url: "/v1/payouts", view: payoutObject }),
    ),
  )
}
