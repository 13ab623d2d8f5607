import type { Problem } from "../../../base/errors.ts"
import { textKey } from "../../../base/ids.ts"
import { cut } from "../../../base/text.ts"
import { parseInstant } from "../../../base/time.ts"
import type { Tender } from "../../../canonical/sales/receipt-tender.ts"
import type { Receipt } from "../../../canonical/sales/receipt.ts"
import { fieldOf, listOf, textOf, type ReadOrder } from "../payloads.ts"
import { Spot, type Findings } from "./spot.ts"
import { kindNames, meansOf } from "./tenders.ts"

/**
 * What a buyer has to get for what came back. A refund is an object of its own, which Square carries out later and perhaps not at all: PENDING until the
 * seller's balance or bank has the money, FAILED when it cannot be had (developer.squareup.com/reference/square/refunds-api). So the receipt of a
 * return owes its money, and each refund is a receipt of its own when it is given.
 */
const underway = "refund underway"

/** What the receipt of a return owes for a refund of it, whatever becomes of that. */
export function owedFor(refund: Spot): Tender {
  return { kind: "other", name: underway, amountMinor: -refund.amount("amount_money") }
}

/** RefundStatus of an order's refunds, and the status of a PaymentRefund. */
const standings = {
  APPROVED: "given",
  COMPLETED: "given",
  PENDING: "pending",
  REJECTED: "failed",
  FAILED: "failed",
} as const

/** A refund of an order that took something back. */
export interface ReadRefund {
  id: string
  pointer: string
  /** When its PaymentRefund became as it is. Undefined where Square has none: then the order alone says how it is. */
  at: string | undefined
  /** Undefined for a status that nobody explained. */
  standing: (typeof standings)[keyof typeof standings] | undefined
  amountMinor: number
  /** The receipt of its money, and why it cannot be read. */
  receipt: Receipt & { documentId: string }
  problems: Problem[]
}

/** The refunds of an order that took something back. `of` is the receipt of the order: they are of its till. */
export function refundsOf(read: ReadOrder, of: Pick<Receipt, "storeId" | "tillId" | "currency">): ReadRefund[] {
  const { order } = read
  if (listOf(fieldOf(order, "returns")).length === 0) return []
  return listOf(fieldOf(order, "refunds")).map((value, n) => {
    const findings: Findings = { problems: [], currency: of.currency }
    const spot = new Spot(value, `/order/refunds/${n}`, findings)
    const id = spot.text("id") ?? `${textOf(fieldOf(order, "id"))}:${n}`
    const paid = among(read.refunds, { id, pointer: "/refunds", findings })
    // PaymentRefund is the refund itself; the order has a summary of it.
    const standing = paid?.has("status") ? paid.word("status", standings) : spot.word("status", standings)
    const amountMinor = spot.amount("amount_money")
    const given = paid?.minor("amount_money")
    if (given !== undefined && given !== amountMinor)
      paid?.fail(`is ${given} minor units, and the order gives back ${amountMinor}`, "amount_money")
    const tender = givenBy(spot, { paid, read, findings })
    return {
      id,
      pointer: spot.pointer,
      at: paid && parseInstant(paid.text("updated_at") ?? ""),
      standing,
      amountMinor,
      receipt: {
        ...of,
        documentId: documentOf(id),
        kind: "sale",
        endedAt: givenAt(paid, spot) ?? givenAt(new Spot(order, "/order", findings)) ?? "",
        tenders: [
          { kind: "other", name: underway, amountMinor },
          ...(tender ? [{ ...tender, amountMinor: -amountMinor }] : []),
        ],
      },
      problems: findings.problems,
    }
  })
}

/** Ids of refunds have up to 255 characters, a document's 64: the beginning is there to be recognised, the digest tells them apart. */
function documentOf(id: string): string {
  return id.length <= 64 ? id : `${id.slice(0, 27)}~${textKey(id)}`
}

function givenAt(...spots: readonly (Spot | undefined)[]): string | undefined {
  const times = spots.flatMap((spot) => [spot?.text("updated_at"), spot?.text("created_at")])
  return times.map((time) => (time === undefined ? undefined : parseInstant(time))).find((time) => time !== undefined)
}

interface Giving {
  paid: Spot | undefined
  read: ReadOrder
  findings: Findings
}

/** Which way it goes: the `destination_type` of its PaymentRefund; without that, back to where the money came from. */
function givenBy(spot: Spot, { paid, read, findings }: Giving): Omit<Tender, "amountMinor"> | undefined {
  const paymentId = spot.text("tender_id") ?? paid?.text("payment_id")
  const payment = among(read.payments, { id: paymentId, pointer: "/payments", findings })
  const named = paid?.has("destination_type") ? paid : undefined
  if (!named && !payment) spot.fail("neither the refund nor its payment is known, so it is not known how it was given")
  const type = named ? named.word("destination_type", kindNames) : payment?.word("source_type", kindNames)
  if (type === undefined) return undefined
  const locationId = cut(textOf(fieldOf(read.order, "location_id")) ?? "-", 64)
  return meansOf(type, { spot: paid ?? spot, payment, locationId, isBack: true })
}

function among(
  values: readonly unknown[],
  { id, pointer, findings }: { id: string | undefined; pointer: string; findings: Findings },
): Spot | undefined {
  const n = id === undefined ? -1 : values.findIndex((value) => fieldOf(value, "id") === id)
  return n < 0 ? undefined : new Spot(values[n], `${pointer}/${n}`, findings)
}
