import { derivedId } from "../base/ids.ts"
import type { Problem } from "../base/errors.ts"
import { money, moneyText } from "../base/money.ts"
import { newEvent, type EventData, type NewEvent } from "../canonical/events.ts"
import { saleRef } from "../canonical/sales/events.ts"
import { numberText, paidMinor } from "../canonical/sales/receipt-law.ts"
import type { NumberedReceipt } from "../canonical/sales/receipt.ts"
import { movesGoods, saleFact } from "../canonical/sales/snapshot.ts"

/** What the database says became of a receipt. */
export interface Became {
  outcome: "recorded" | "parked" | "conflicting" | "known"
  standing: string
  first_digest: string
  replaces: boolean
}

/** What of a receipt cannot be held or was not explained, and the receipt as its sender wrote it. */
export interface Unread {
  problems: readonly Problem[]
  asSent: string
  /** What its sender says it comes to. */
  worthMinor?: number
}

interface Kept {
  receipt: NumberedReceipt
  digest: string
  offByMinor: number
  unread?: Unread
  sent?: string
  source: string
  became: Became
  at: string
}

/** What is told of a receipt. Receivers of sales are not known here: stock, books and others read the log. */
export function eventsOf(kept: Kept): NewEvent[] {
  const { receipt, digest, offByMinor, unread, sent, source, became, at } = kept
  if (became.outcome === "known") return []
  const fact = saleFact(receipt, digest)
  const shared = { fact, source, time: receipt.endedAt }
  const data = { receipt, digest, recordedAt: at, ...(sent === undefined ? {} : { sent }) }
  if (became.outcome === "parked")
    return [
      newEvent({ ...shared, type: "sale.parked", data: { ...data, offByMinor, ...unreadOf(unread) } }),
      parked(kept),
    ]
  if (became.outcome === "conflicting")
    return [
      newEvent({ ...shared, type: "sale.conflicted", data: { ...data, firstDigest: became.first_digest } }),
      conflict(kept),
    ]
  return [
    newEvent({ ...shared, type: movesGoods(receipt) ? "sale.recorded" : "till.recorded", data }),
    ...(became.replaces ? [corrected(kept)] : []),
  ]
}

/** Cut to what an event may hold. */
function unreadOf(unread: Unread | undefined): Pick<EventData<"sale.parked">, "unread"> {
  if (!unread) return {}
  const problems = unread.problems.slice(0, 50).map(({ pointer, message }) => {
    return { pointer: pointer.slice(0, 1000), message: message.slice(0, 2000) }
  })
  return { unread: { ...unread, problems } }
}

const exceptionSource = "crossdock:sales"

/** A parked receipt's exception: one for its number, so that the corrected one ends it. */
const parkedId = (receipt: NumberedReceipt) => derivedId("parked", saleRef(receipt))

function opened(kept: Kept, text: { id: string; cause: string; summary: string; ifNobodyActs: string }): NewEvent {
  const { receipt, at } = kept
  const { id: exceptionId, cause, summary, ifNobodyActs } = text
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:sales:${exceptionId}`,
    source: exceptionSource,
    time: at,
    data: {
      exceptionId,
      about: saleRef(receipt),
      cause,
      summary,
      doneSoFar: ["kept the receipt"],
      ifNobodyActs,
      allowedActions: ["acknowledge"],
      owner: "finance",
      atRisk: money(Math.abs(kept.unread?.worthMinor ?? paidMinor(receipt)), receipt.currency),
      because: { kind: "data", operation: cause, value: `${receipt.storeId}/${receipt.tillId}`.slice(0, 200) },
      at,
    },
  })
}

function parked(kept: Kept): NewEvent {
  const { receipt, offByMinor, unread } = kept
  const number = `The receipt ${numberText(receipt)} of ${receipt.businessDay}`
  if (unread) {
    const worth = unread.worthMinor === undefined ? "" : ` (${moneyText(money(unread.worthMinor, receipt.currency))})`
    const [first, ...others] = unread.problems.map(({ pointer, message }) => `${pointer}: ${message}`)
    const more = others.length === 0 ? "" : `; and ${others.length} more`
    return opened(kept, {
      id: parkedId(receipt),
      cause: "receipt cannot be read",
      summary: `${number}${worth} cannot be read whole: ${first ?? "it is not known why"}${more}`.slice(0, 1000),
      ifNobodyActs: "it moves no goods and no money, and its day is posted without it",
    })
  }
  const off = moneyText(money(offByMinor, receipt.currency))
  const paid = moneyText(money(paidMinor(receipt), receipt.currency))
  return opened(kept, {
    id: parkedId(receipt),
    cause: "receipt does not add up",
    summary: `${number} (${paid}) does not add up: what was sold is ${off} more than what was paid.`,
    ifNobodyActs: "it moves no goods and no money, and its day is posted without it",
  })
}

function conflict(kept: Kept): NewEvent {
  const { receipt, digest, became } = kept
  const paid = moneyText(money(paidMinor(receipt), receipt.currency))
  return opened(kept, {
    id: derivedId("conflict", saleRef(receipt), digest),
    cause: "till number used twice",
    summary: `${numberText(receipt)} of ${receipt.businessDay} came twice with other content. The first one (${became.first_digest}) counts; the second one (${digest}, ${paid}) is kept.`,
    ifNobodyActs: "the second one moves no goods and no money",
  })
}

function corrected({ receipt, digest, at }: Kept): NewEvent {
  const exceptionId = parkedId(receipt)
  return newEvent({
    type: "exception.decided",
    fact: `crossdock:sales:${exceptionId}:${digest}`,
    source: exceptionSource,
    time: at,
    data: {
      exceptionId,
      about: saleRef(receipt),
      action: "acknowledge",
      decidedBy: "crossdock",
      reason: "a corrected receipt came with its number",
      at,
    },
  })
}
