import { AppError } from "../../base/errors.ts"
import { money, moneyText, moneyToDecimal, type Money } from "../../base/money.ts"
import type { Instant } from "../../base/time.ts"
import type {
  CapturedPayment,
  CaptureShare,
  CapturesPayments,
  Payment,
  PaymentAt,
  ReadsPayments,
  VoidsAuthorisations,
} from "../../ports/capabilities/payments.ts"
import type { Call } from "../../ports/write.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
import type { Reader } from "./orders/reader.ts"
import { captureOrder, readPayments, voidTransaction } from "./graph/operations.ts"

// Payments that the shop itself holds (Shopify Payments) are captured in the shop: `orderCapture` and `transactionVoid`, Admin API
// 2026-10. Neither has an idempotency key; a repeat is recognised by what was captured meanwhile.

type CallContext = Omit<Call, "key">

/** An authorisation in the shop, as its transactions show it now. */
interface Held {
  orderGid: string
  authorisationGid: string
  authorised: Money
  taken: Money
  /** Neither voided nor failed. */
  isOpen: boolean
  allowsSeveralCaptures: boolean
  heldUntil?: Instant
}

export function capturesPayments(options: UpdateOptions): CapturesPayments {
  const done = (share: CaptureShare, held: Held): CapturedPayment | undefined => {
    const { taken } = held
    const enough = Math.min(share.upTo.amountMinor, share.takenBefore.amountMinor + share.amount.amountMinor)
    if (taken.amountMinor < enough) return undefined
    const amount = money(Math.max(0, taken.amountMinor - share.takenBefore.amountMinor), taken.currency)
    return captured(share, { ...held, amount }, options)
  }
  return {
    capture: {
      async probe(share, call) {
        const held = await heldNow(share, call, options)
        return held && done(share, held)
      },
      async send(share, call) {
        const held = await demandHeld(share, call, options)
        return done(share, held) ?? captureMissing(share, held, { ...options, call })
      },
    },
  }
}

async function captureMissing(
  share: CaptureShare,
  held: Held,
  { client, call, ...options }: UpdateOptions & { call: Call },
): Promise<CapturedPayment> {
  const { taken, authorised, isOpen, allowsSeveralCaptures } = held
  const { currency } = authorised
  const openMinor = isOpen ? authorised.amountMinor - taken.amountMinor : 0
  const missingMinor = Math.min(share.amount.amountMinor, share.upTo.amountMinor - taken.amountMinor)
  if (openMinor < missingMinor || (taken.amountMinor > 0 && !allowsSeveralCaptures))
    throw new AppError(
      isOpen || taken.amountMinor > 0 ? "VENDOR_CONFLICT" : "AUTHORISATION_GONE",
      `${moneyText(taken)} of ${moneyText(share.upTo)} were captured in the shop, and no more is authorised there`,
    )
  // The first capture ends an authorisation that allows only one, so it takes everything that can become due.
  const everythingMinor = Math.min(share.inAll.amountMinor - taken.amountMinor, openMinor)
  const wantedMinor = allowsSeveralCaptures || share.isFinal ? missingMinor : Math.max(missingMinor, everythingMinor)
  const amount = money(wantedMinor, currency)
  const input = {
    id: held.orderGid,
    parentTransactionId: held.authorisationGid,
    amount: moneyToDecimal(amount),
    currency,
    ...(allowsSeveralCaptures ? { finalCapture: share.isFinal } : {}),
  }
  const payload = (await client.write({ document: captureOrder, variables: { input }, call })).object("orderCapture")
  throwForUserErrors(payload)
  demandSuccess(payload, `capture of ${moneyText(amount)}`)
  const takenNow = money(taken.amountMinor + wantedMinor, currency)
  return captured(
    share,
    { ...held, amount, taken: takenNow, isOpen: allowsSeveralCaptures && !share.isFinal },
    { client, ...options },
  )
}

function demandSuccess(payload: Reader, what: string): void {
  const status = payload.optionalObject("transaction")?.text("status")
  if (status === "FAILURE" || status === "ERROR")
    throw new AppError("VENDOR_REJECTED", `the shop's ${what} failed: ${status}`)
  if (status !== "SUCCESS")
    throw new AppError("VENDOR_UNCERTAIN", `the shop's ${what} is ${status ?? "without status"}`)
}

function captured(
  { paymentId }: PaymentAt,
  { amount, taken, authorised, isOpen, authorisationGid }: Held & { amount: Money },
  { system }: UpdateOptions,
): CapturedPayment {
  const id = authorisationGid.slice(authorisationGid.lastIndexOf("/") + 1)
  const isEnded = !isOpen || taken.amountMinor >= authorised.amountMinor
  return { paymentId, state: "captured", amount, taken, isEnded, reference: { system, type: "transaction", id } }
}

export function voidsAuthorisations(options: UpdateOptions): VoidsAuthorisations {
  const voided = (at: PaymentAt, held: Held | undefined): Payment | undefined => {
    const payment = { paymentId: at.paymentId, state: "cancelled" as const }
    if (held === undefined) return { ...payment, amount: money(0, "XXX") }
    // The rest of an authorisation of which a part was captured cannot be voided in the shop; it lapses.
    return !held.isOpen || held.taken.amountMinor > 0 ? { ...payment, amount: held.taken } : undefined
  }
  return {
    voidAuthorisation: {
      probe: async (at, call) => voided(at, await heldNow(at, call, options)),
      async send(at, call) {
        const held = await heldNow(at, call, options)
        if (held && held.taken.amountMinor >= held.authorised.amountMinor)
          throw new AppError("VENDOR_CONFLICT", `payment ${at.paymentId} is captured: refund it instead`)
        const before = voided(at, held)
        if (before || !held) return before ?? { paymentId: at.paymentId, state: "cancelled", amount: money(0, "XXX") }
        const variables = { id: held.authorisationGid }
        const data = await options.client.write({ document: voidTransaction, variables, call })
        const payload = data.object("transactionVoid")
        throwForUserErrors(payload)
        demandSuccess(payload, "void")
        return { paymentId: at.paymentId, state: "cancelled", amount: held.taken }
      },
    },
  }
}

export function readsPayments(options: UpdateOptions): ReadsPayments {
  return {
    async readPayment(at, call) {
      const held = await heldNow(at, call, options)
      if (held === undefined) return null
      const { taken, authorised, isOpen, heldUntil } = held
      const open = money(isOpen ? authorised.amountMinor - taken.amountMinor : 0, authorised.currency)
      return { taken, open, ...(heldUntil === undefined ? {} : { heldUntil }) }
    },
  }
}

async function demandHeld(at: PaymentAt, call: CallContext, options: UpdateOptions): Promise<Held> {
  const held = await heldNow(at, call, options)
  if (held === undefined) throw new AppError("VENDOR_REJECTED", `the shop has no authorisation ${at.paymentId}`)
  return held
}

/** The authorisation with what was captured and voided of it; undefined when the order has none with that number. */
async function heldNow(
  { inChannel }: PaymentAt,
  call: CallContext,
  { client }: UpdateOptions,
): Promise<Held | undefined> {
  if (inChannel === undefined)
    throw new AppError("VENDOR_REJECTED", "the shop's own number of the payment is not known")
  const orderGid = gid("Order", inChannel.orderId)
  const data = await client.read({ document: readPayments, variables: { id: orderGid }, call })
  if (!data.has("order")) return undefined
  const order = data.object("order")
  const transactions = order.list("transactions").map((one) => ({
    id: one.text("id"),
    kind: one.text("kind"),
    isSuccess: one.text("status") === "SUCCESS",
    // AWAITING_RESPONSE and PENDING may still become a capture: to make another one meanwhile would take the money twice.
    isPending: ["AWAITING_RESPONSE", "PENDING"].includes(one.text("status")),
    amount: one.pair("amountSet").presentment,
    parent: one.optionalObject("parentTransaction")?.text("id"),
    allowsSeveralCaptures: one.flag("multiCapturable"),
    heldUntil: one.has("authorizationExpiresAt") ? one.moment("authorizationExpiresAt") : undefined,
  }))
  order.settleAnswer("the order's payments")
  const authorisationGid = gid("OrderTransaction", inChannel.tenderId)
  const authorisation = transactions.find(({ id, kind }) => id === authorisationGid && kind.endsWith("AUTHORIZATION"))
  if (!authorisation) return undefined
  const ofIt = transactions.filter(({ parent }) => parent === authorisationGid)
  const underWay = ofIt.find(({ isPending }) => isPending)
  if (underWay)
    throw new AppError(
      "VENDOR_UNCERTAIN",
      `the shop has not finished a ${underWay.kind} of authorisation ${authorisationGid}`,
    )
  const children = ofIt.filter(({ isSuccess }) => isSuccess)
  const { amount: authorised, allowsSeveralCaptures, heldUntil, isSuccess } = authorisation
  const captures = children.filter(({ kind }) => kind === "CAPTURE")
  const takenMinor = captures.reduce((sum, { amount }) => sum + amount.amountMinor, 0)
  return {
    orderGid,
    authorisationGid,
    authorised,
    taken: money(takenMinor, authorised.currency),
    isOpen: isSuccess && !children.some(({ kind }) => kind === "VOID"),
    allowsSeveralCaptures,
    ...(heldUntil === undefined ? {} : { heldUntil }),
  }
}
