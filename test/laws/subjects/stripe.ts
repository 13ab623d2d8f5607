import { startStripe, stripeSecretKey, stripeWebhookSecret, type StripeSimulator } from "../../../lab/stripe/stripe.ts"
import { createLog } from "../../../src/base/log.ts"
import { money, type Money } from "../../../src/base/money.ts"
import { systemClock } from "../../../src/base/time.ts"
import { fromStripeAmount } from "../../../src/connectors/stripe/payments/amounts.ts"
import { stripe } from "../../../src/connectors/stripe/connector.ts"
import type {
  AuthorisesPayments,
  CapturesPayments,
  RefundsPayments,
  VoidsAuthorisations,
} from "../../../src/ports/capabilities/payments.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import { sampleOrder } from "../sample-order.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

interface IntentRow {
  id: string
  status: string
  amount: number
  amount_received: number
  currency: string
  captures: number
  metadata: Record<string, string>
}
interface RefundRow {
  amount: number
  currency: string
  metadata: Record<string, string>
}

interface StripeBench {
  simulator: StripeSimulator
  payments: Payments
  nowhere: Payments
  nextKey(): string
  amount(): Money
  intents(): IntentRow[]
  refunds(): RefundRow[]
}

// Minor units that end in 0 because Stripe wants that of the three-decimal KWD; ISK and MGA differ from ISO 4217 there.
const currencies = ["EUR", "JPY", "KWD", "ISK", "MGA", "UGX"]

/** Everything Stripe does with payments, verb by verb. */
type Payments = AuthorisesPayments & CapturesPayments & VoidsAuthorisations & RefundsPayments

function verbs(connected: ReturnType<(typeof stripe)["connect"]>): Payments {
  return {
    ...connected.authorisesPayments,
    ...connected.capturesPayments,
    ...connected.voidsAuthorisations,
    ...connected.refundsPayments,
  }
}

export async function startStripeBench(): Promise<StripeBench & { stop(): Promise<void> }> {
  const simulator = await startStripe({ seed: 7, searchLagMs: 2_000 })
  const log = createLog("laws", "silent")
  const connect = (baseUrl: string) =>
    stripe.connect(
      {
        baseUrl,
        secretKey: stripeSecretKey,
        webhookSecrets: [stripeWebhookSecret],
        allowPrivateNetwork: true,
        timeoutMs: 5_000,
      },
      { connectionId: "stripe-eu", clock: systemClock, log },
    )
  const connected = connect(simulator.url)
  const dead = connect("http://127.0.0.1:9")
  let count = 0
  return {
    simulator,
    payments: verbs(connected),
    nowhere: verbs(dead),
    nextKey: () => `law_${(count += 1)}`,
    amount: () => money(5_000 + count * 100, currencies[count % currencies.length] ?? "EUR"),
    // The simulator's books hold exactly these rows (lab/stripe/payments/books.ts).
    intents: () => simulator.books()["paymentIntents"] as IntentRow[],
    refunds: () => simulator.books()["refunds"] as RefundRow[],
    stop: async () => {
      connected.close()
      dead.close()
      await simulator.stop()
    },
  }
}

export async function startBench(): Promise<LawBench> {
  const bench = await startStripeBench()
  const subjects = [authorise(bench), capture(bench), partialCapture(bench), cancel(bench), refund(bench)]
  return { subjects, stop: bench.stop }
}

const orderId = "ord_0000000000000001"

function tender(amount: Money, reference = "pm_card_visa") {
  const [first] = sampleOrder({ number: 1 }).tenders
  if (first === undefined) throw new Error("the sample order has a tender")
  return { ...first, amount: { shop: amount, presentment: amount }, reference }
}

async function held(bench: StripeBench, amount: Money): Promise<string> {
  const call = { key: `hold_${bench.nextKey()}`, signal: AbortSignal.timeout(5_000), correlation: "laws" }
  return (await bench.payments.authorise.send({ orderId, tender: tender(amount), amount }, call)).paymentId
}

function authorise(bench: StripeBench): LawSubject {
  const make = (payments: Payments, method?: string) => {
    const key = bench.nextKey()
    const amount = bench.amount()
    const rows = () =>
      bench
        .intents()
        .filter(({ metadata, status }) => metadata["crossdock_key"] === key && status === "requires_capture")
    return intentOf(payments.authorise, {
      input: { orderId, tender: tender(amount, method), amount },
      key,
      count: () => rows().length,
      amounts: () => {
        const [row] = rows()
        return { sent: amount, inBooks: row && fromStripeAmount(row.amount, row.currency) }
      },
    })
  }
  return {
    name: "stripe authorisesPayments.authorise",
    make: async () => make(bench.payments),
    refused: async () => make(bench.payments, "pm_card_chargeDeclined"),
    unreachable: async () => make(bench.nowhere),
    strike: striker(bench.simulator, ["createPaymentIntent"]),
  }
}

function captureIntent(
  bench: StripeBench,
  options: { payments: Payments; paymentId: string; amount: Money; isFinal: boolean },
) {
  const { payments, paymentId, amount, isFinal } = options
  const row = () => bench.intents().find(({ id }) => id === paymentId)
  return intentOf(payments.capture, {
    input: { orderId, paymentId, amount, upTo: amount, inAll: amount, takenBefore: money(0, amount.currency), isFinal },
    key: bench.nextKey(),
    count: () => row()?.captures ?? 0,
    amounts: () => {
      const found = row()
      return { sent: amount, inBooks: found && fromStripeAmount(found.amount_received, found.currency) }
    },
  })
}

function capture(bench: StripeBench): LawSubject {
  const make = async (payments: Payments, isTooMuch = false) => {
    const amount = bench.amount()
    const paymentId = await held(bench, amount)
    const asked = isTooMuch ? money(amount.amountMinor * 2, amount.currency) : amount
    return captureIntent(bench, { payments, paymentId, amount: asked, isFinal: true })
  }
  return {
    name: "stripe capturesPayments.capture",
    make: () => make(bench.payments),
    refused: () => make(bench.payments, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["capturePaymentIntent"]),
  }
}

function partialCapture(bench: StripeBench): LawSubject {
  return {
    name: "stripe capturesPayments.capture (part)",
    make: async () => {
      const whole = bench.amount()
      const paymentId = await held(bench, whole)
      const amount = money(Math.floor(whole.amountMinor / 300) * 100, whole.currency)
      return captureIntent(bench, { payments: bench.payments, paymentId, amount, isFinal: false })
    },
    strike: striker(bench.simulator, ["capturePaymentIntent"]),
  }
}

function cancel(bench: StripeBench): LawSubject {
  const make = (payments: Payments, paymentId: string) =>
    intentOf(payments.voidAuthorisation, {
      input: { orderId, paymentId },
      key: bench.nextKey(),
      count: () => bench.intents().filter(({ id, status }) => id === paymentId && status === "canceled").length,
    })
  return {
    name: "stripe voidsAuthorisations.voidAuthorisation",
    make: async () => make(bench.payments, await held(bench, bench.amount())),
    missing: async () => make(bench.payments, "pi_that_never_was"),
    refused: async () => {
      const amount = bench.amount()
      const paymentId = await held(bench, amount)
      await captureIntent(bench, { payments: bench.payments, paymentId, amount, isFinal: true }).send()
      return make(bench.payments, paymentId)
    },
    unreachable: async () => make(bench.nowhere, "pi_anything"),
    strike: striker(bench.simulator, ["cancelPaymentIntent"]),
  }
}

function refund(bench: StripeBench): LawSubject {
  const make = async (payments: Payments, isTooMuch = false) => {
    const whole = bench.amount()
    const paymentId = await held(bench, whole)
    await captureIntent(bench, { payments: bench.payments, paymentId, amount: whole, isFinal: true }).send()
    const key = bench.nextKey()
    const amount = money(isTooMuch ? whole.amountMinor * 2 : Math.floor(whole.amountMinor / 200) * 100, whole.currency)
    const rows = () => bench.refunds().filter(({ metadata }) => metadata["crossdock_key"] === key)
    return intentOf(payments.refund, {
      input: { orderId, paymentId, amount },
      key,
      count: () => rows().length,
      amounts: () => {
        const [row] = rows()
        return { sent: amount, inBooks: row && fromStripeAmount(row.amount, row.currency) }
      },
    })
  }
  return {
    name: "stripe refundsPayments.refund",
    make: () => make(bench.payments),
    refused: () => make(bench.payments, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["createRefund"]),
  }
}
