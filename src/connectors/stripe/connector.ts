import { Type } from "typebox"
import { defineConnector } from "../../ports/connector.ts"
import { createStripeClient, stripeVersion } from "./client.ts"
import { payments } from "./payments.ts"
import { translateStripeEvent } from "./to-canonical.ts"
import { verifyStripe } from "./receives-deliveries.ts"
import { readPage } from "./payloads.ts"

/** Stripe: PaymentIntents with manual capture, refunds, and webhooks about payments Crossdock made. */
export const stripe = defineConnector({
  name: "stripe",
  apiVersion: stripeVersion,
  apiDocs: "https://docs.stripe.com/api",
  connection: Type.Object({
    secretKey: Type.String({ minLength: 1, description: "the account's secret or restricted key, sk_… or rk_…" }),
    webhookSecrets: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: "every live signing secret of the endpoint, whsec_…; two while a secret is being rolled",
    }),
    baseUrl: Type.Optional(Type.String({ format: "uri", description: "default https://api.stripe.com" })),
    allowPrivateNetwork: Type.Optional(
      Type.Boolean({ description: "whether baseUrl may be in a private network, for a simulator; off by default" }),
    ),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, description: "longest time for one call; default 20,000" })),
  }),
  // docs.stripe.com/rate-limits, read 2026-11: 100 requests a second live (25 in a sandbox, where 429 paces it further), and 25 for
  // each endpoint. Each reads the payment or the payment method first, which is a request of its own.
  rate: {
    concurrencyMax: 32,
    perSecond: 100,
    burst: 100,
    operations: {
      "authorisesPayments.authorise": { cost: 2, perSecond: 25 },
      "capturesPayments.capture": { cost: 2, perSecond: 25 },
      "voidsAuthorisations.voidAuthorisation": { cost: 2, perSecond: 25 },
      "refundsPayments.refund": { cost: 2, perSecond: 25 },
    },
  },
  timeoutMs: 20_000,
  connect(settings, { clock, connectionId }) {
    const client = createStripeClient(settings, clock)
    return {
      ...payments({ client, clock, connectionId }),
      receivesDeliveries: {
        states: ["order.tender-changed", "payment.refund-reported", "payment.reported"],
        verify: (delivery, nowMs) => verifyStripe(delivery, { secrets: settings.webhookSecrets, nowMs }),
        translate: translateStripeEvent,
      },
      check: async () => {
        const signal = AbortSignal.timeout(settings.timeoutMs ?? 20_000)
        readPage(await client.get("/v1/payment_intents?limit=1", { signal, correlation: "check" }))
      },
      close: client.close,
    }
  },
})
