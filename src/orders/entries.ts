import type { EventData, EventName, NewEvent } from "../canonical/events.ts"
import type { Order, Tender } from "../canonical/order.ts"
import type { Reference } from "../canonical/parts.ts"
import { orderIdIn } from "../canonical/refs.ts"

/** One line of an account, as `note_account` takes it. Amounts are thousandths of a unit, or minor units of a currency. */
export interface Entry {
  orderId: string
  what: "shipped" | "held" | "taken" | "taken in all" | "let go" | "failed" | "booked"
  /** The line, the tender, or the document. */
  part: string
  amount: number
  unit: string
  by: string
  label?: string
  reference?: string
  at: string
}

/** What somebody says was given back. The account finds out whether it is one that is known already. */
export interface Report {
  orderId: string
  kind: "refund" | "return" | "receipt" | "dispute"
  /** The key of the claim, where the report carries it. */
  claim?: string
  /** The tender or the line; left out when the report does not tell. */
  part?: string
  amount: number
  unit: string
  by: string
  /** The number it has with the one who reports it. */
  report: string
  reference?: string
  /** It was given back and came back. */
  failed?: boolean
  /** Accepted, and not yet given back. */
  pending?: boolean
  /** The provider's number of the payment, where the tender is not told. */
  payment?: string
  at: string
}

/** What an event adds to the account of its order. */
export interface Noted {
  entries: readonly Entry[]
  reports: readonly Report[]
}

/** Who did what we did ourselves. */
const ourselves = "crossdock"

type Note<Name extends EventName> = (data: EventData<Name>, event: NewEvent) => Partial<Noted>

const notes: { readonly [Name in EventName]?: Note<Name> } = {
  "order.placed": ({ order }) => ({ entries: takenAsSold(order) }),
  "order.edited": ({ order }) => ({ entries: takenAsSold(order) }),
  "order.tender-changed": ({ orderId, tender, at }, { source }) => {
    const what = tellsOf[tender.state]
    return what ? { entries: [{ ...ofTender(orderId, tender), what, by: source, at }] } : {}
  },
  "payment.authorised": (data) => ({ entries: [ofPayment("held", data)] }),
  "payment.captured": (data) => ({
    entries: [
      ...(data.amount.amountMinor > 0 ? [ofPayment("taken", data)] : []),
      ...(data.inAll === undefined ? [] : [ofPayment("taken in all", { ...data, amount: data.inAll })]),
    ],
  }),
  "payment.voided": (data) => ({ entries: [ofPayment("let go", data)] }),
  "payment.refunded": ({ orderId, tenderId, amount, claim, isPending = false, reference, at }, { fact }) => ({
    reports: [
      {
        orderId,
        kind: "refund",
        part: tenderId,
        amount: amount.amountMinor,
        unit: amount.currency,
        by: ourselves,
        report: fact,
        pending: isPending,
        at,
        ...(claim === undefined ? {} : { claim }),
        ...referenceOf(reference),
      },
    ],
  }),
  "payment.refund-reported": ({ orderId, claim, refundId, paymentId, amount, state, at }, { source }) => ({
    reports: [
      {
        orderId,
        kind: "refund",
        amount: amount.amountMinor,
        unit: amount.currency,
        by: source,
        report: refundId,
        reference: refundId,
        failed: state === "failed",
        pending: state === "pending",
        at,
        ...(claim === undefined ? {} : { claim }),
        ...(paymentId === undefined ? {} : { payment: paymentId }),
      },
    ],
  }),
  "payment.disputed": ({ orderId, disputeId, paymentId, amount, state, at }, { source }) => {
    // Until the bank takes the money nothing has moved, and it may still be refunded.
    if (state === "opened" || state === "closed") return {}
    return {
      reports: [
        {
          orderId,
          kind: "dispute",
          amount: amount.amountMinor,
          unit: amount.currency,
          by: source,
          report: disputeId,
          reference: disputeId,
          failed: state === "returned" || state === "won",
          payment: paymentId,
          at,
        },
      ],
    }
  },
  "order.refunded": ({ orderId, refundId, amount, payments, at }, { source }) => ({
    reports: (payments ?? [{ amount: amount.presentment }]).map(({ tenderId, amount: paid, reference }, n) => ({
      orderId,
      kind: "refund" as const,
      amount: paid.amountMinor,
      unit: paid.currency,
      by: source,
      at,
      report: n === 0 ? refundId : `${refundId}#${n + 1}`,
      ...(tenderId === undefined ? {} : { part: tenderId }),
      ...(reference === undefined ? {} : { reference }),
    })),
  }),
  "goods.shipped": ({ orderId, locationId, lines, shipmentId, at }) => ({
    entries: lines.map(({ lineId, quantity }) => ({
      orderId,
      what: "shipped",
      part: lineId,
      amount: quantity.milli,
      unit: quantity.unit,
      by: locationId,
      reference: shipmentId,
      at,
    })),
  }),
  "goods.returned": ({ orderId, locationId, disposition, lines, at }, { fact }) => ({
    reports: lines.flatMap(({ lineId, quantity, claim, receipt }) => {
      const of = { orderId, part: lineId, unit: quantity.unit, by: locationId ?? disposition, at }
      const report = (kind: "return" | "receipt", key?: string): Report => {
        const known = key === undefined ? {} : { claim: key }
        return { ...of, kind, amount: quantity.milli, report: `${fact}:${kind}:${key ?? lineId}`, ...known }
      }
      // Units that somebody gave money for before they were back are only received.
      return [
        ...(claim !== undefined || receipt === undefined ? [report("return", claim)] : []),
        ...(receipt === undefined ? [] : [report("receipt", receipt)]),
      ]
    }),
  }),
  "goods.return-voided": ({ orderId, of: by, lines, at }, { fact }) => ({
    reports: lines.flatMap(({ lineId: part, quantity: { milli: amount, unit }, claim, receipt }) => {
      const report = (kind: "return" | "receipt", key: string): Report => {
        return { orderId, kind, claim: key, part, amount, unit, by, report: `${fact}:${kind}:${key}`, failed: true, at }
      }
      return [
        ...(claim === undefined ? [] : [report("return", claim)]),
        ...(receipt === undefined ? [] : [report("receipt", receipt)]),
      ]
    }),
  }),
  "order.booked": ({ orderId, references, total, at }) => ({
    entries: references.map(({ system, type, id }) => ({
      orderId,
      what: "booked",
      part: id,
      amount: total.amountMinor,
      unit: total.currency,
      by: system,
      at,
      label: type,
    })),
  }),
  "entry.posted": ({ about, entryId, kind, total, document, at }) => {
    const orderId = orderIdIn(about)
    if (orderId === undefined) return {}
    const { amountMinor: amount, currency: unit } = total
    const by = document?.system ?? ourselves
    return { entries: [{ orderId, what: "booked", part: document?.id ?? entryId, amount, unit, by, label: kind, at }] }
  },
}

/** Says what an event adds to the account of its order; undefined when it adds nothing. */
export function noted(event: NewEvent): Noted | undefined {
  // The table has, under each name, what reads events of that name.
  const note = notes[event.type] as Note<EventName> | undefined
  const { entries = [], reports = [] } = note?.(event.data, event) ?? {}
  // A report of nothing is no report: free goods are refunded by an amount of 0.
  const real = reports.filter(({ amount }) => amount > 0)
  return entries.length + real.length > 0 ? { entries, reports: real } : undefined
}

const tellsOf: Readonly<Partial<Record<Tender["state"], Entry["what"]>>> = {
  authorised: "held",
  captured: "taken",
  failed: "failed",
}

/** The order itself says that it is paid. It may say so again with each edit, so it is a statement and adds nothing up. */
function takenAsSold(order: Order): Entry[] {
  return order.tenders
    .filter(({ state }) => state === "captured")
    .map((tender) => ({
      ...ofTender(order.id, tender),
      what: "taken in all",
      by: order.channel,
      at: order.version,
    }))
}

function ofTender(orderId: string, { id, provider, amount, reference }: Tender) {
  const { amountMinor, currency } = amount.presentment
  const known = reference === undefined ? {} : { reference }
  return { orderId, part: id, amount: amountMinor, unit: currency, label: provider, ...known }
}

function ofPayment(what: Entry["what"], data: EventData<"payment.captured">): Entry {
  const { orderId, tenderId, amount, by, reference, at } = data
  const { amountMinor, currency: unit } = amount
  return {
    orderId,
    what,
    part: tenderId,
    amount: amountMinor,
    unit,
    by: ourselves,
    label: by,
    at,
    ...referenceOf(reference),
  }
}

function referenceOf(reference: Reference | undefined): { reference?: string } {
  return reference === undefined ? {} : { reference: reference.id }
}
