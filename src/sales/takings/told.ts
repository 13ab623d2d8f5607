import { derivedId } from "../../base/ids.ts"
import { money, moneyText } from "../../base/money.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { parseRef, type Ref } from "../../canonical/refs.ts"
import { numberText } from "../../canonical/sales/receipt-law.ts"
import type { LossWhy } from "../../rules/returns/takings.ts"
import type { LineNamed, Taking } from "./rows.ts"

const source = "crossdock:returns of tills"

const causes: Readonly<Record<LossWhy, { cause: string }>> = {
  "given back before": { cause: "unit was given back before" },
  "other goods": { cause: "other goods came back than were sold" },
  "part of a kit": { cause: "part of a kit came back" },
  "more than was paid": { cause: "more was given back than was paid" },
}

const unlessActed: Readonly<Record<LossWhy, string>> = {
  "given back before": "the buyer has the money twice",
  "other goods": "the buyer has the money twice",
  "part of a kit": "the buyer has the money, and the whole can still be given back as if nothing were missing",
  "more than was paid": "the buyer has it",
}

/** What of a taking counts, and why not all of it. */
export interface Lost {
  lostMilli: number
  lostMinor: number
  why: LossWhy
}

/** The case about what a till gave beyond what was due. The buyer has left with the money, so nothing is refused. */
export function lossOpened(
  taking: Taking,
  { lostMilli, lostMinor, why }: Lost,
  at: string,
): NewEvent<"exception.opened"> {
  const what = taking.sku ?? "goods"
  const lost = moneyText(money(lostMinor, taking.currency))
  const words: Record<LossWhy, string> = {
    "given back before": `took back ${lostMilli / 1000} × ${what} of ${soldText(taking)}, which had been given back before or had never left. The till gave ${lost} for it.`,
    "other goods": `took back ${lostMilli / 1000} × ${what}${taking.serial === undefined ? "" : ` with the serial ${taking.serial}`}, which ${soldText(taking)} did not sell. The till gave ${lost} for it.`,
    "part of a kit": `took back ${lostMilli / 1000} × ${what}, which is a part of what ${soldText(taking)} sold whole. The till gave ${lost} for it; what is due for a part alone, nobody has said.`,
    "more than was paid": `gave ${lost} more for ${what} than was paid for it by ${soldText(taking)}.`,
  }
  return opened(taking, {
    exceptionId: derivedId("till-back", taking.key, String(taking.cases)),
    ...causes[why],
    summary: `${receiptText(taking)} ${words[why]}`,
    ifNobodyActs: unlessActed[why],
    lostMinor,
    at,
  })
}

/** The case about a receipt that nobody has told of. */
export function unknownOpened(taking: Taking, at: string): NewEvent<"exception.opened"> {
  return opened(taking, {
    exceptionId: derivedId("till-original", taking.key, String(taking.cases)),
    cause: "original of a return is not known",
    summary: `${receiptText(taking)} took back ${taking.milli / 1000} × ${taking.sku ?? "goods"} of ${soldText(taking)}, which has not come or has no such line, or a number without its day fits several. Nobody knows whether it was given back before.`,
    ifNobodyActs: "it counts as soon as the receipt comes; what is too much is told then",
    lostMinor: taking.givenMinor,
    at,
  })
}

/** The case about money of a receipt. */
export function opened(
  { receipt, currency }: Pick<Taking, "receipt" | "currency">,
  of: { exceptionId: string; cause: string; summary: string; ifNobodyActs: string; lostMinor: number; at: string },
): NewEvent<"exception.opened"> {
  const { exceptionId, cause, summary, ifNobodyActs, lostMinor, at } = of
  const [store = "", till = ""] = parseRef(receipt)?.parts ?? []
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:till:${exceptionId}`,
    source,
    time: at,
    data: {
      exceptionId,
      // Receipts are named by saleRef.
      about: receipt as Ref,
      cause,
      summary: summary.slice(0, 1000),
      doneSoFar: ["kept the receipt", "the goods are in the store's stock as the receipt says"],
      ifNobodyActs,
      allowedActions: ["acknowledge"],
      owner: "finance",
      atRisk: money(lostMinor, currency),
      because: { kind: "data", operation: cause, value: `${store}/${till}`.slice(0, 200) },
      at,
    },
  })
}

/** What was told is not so any more. */
export function caseClosed(
  { receipt, caseId }: Pick<Taking, "receipt" | "caseId">,
  reason: string,
  at: string,
): NewEvent[] {
  if (caseId === null) return []
  return [
    newEvent({
      type: "exception.decided",
      fact: `crossdock:till:${caseId}:closed`,
      source,
      time: at,
      data: {
        exceptionId: caseId,
        about: receipt as Ref,
        action: "acknowledge",
        decidedBy: "crossdock",
        reason,
        at,
      },
    }),
  ]
}

/** The receipts that some cases are about. */
export function aboutOf(events: readonly NewEvent[]): string[] {
  return [...new Set(events.flatMap(({ data }) => ("about" in data ? [data.about] : [])))]
}

/** A receipt as people call it. */
export function receiptText({ receipt, documentId }: Pick<Taking, "receipt" | "documentId">): string {
  const [storeId = "", tillId = "", , , sequence] = parseRef(receipt)?.parts ?? []
  return numberText({
    storeId,
    tillId,
    ...(documentId === undefined ? { sequence: Number(sequence) } : { documentId }),
  })
}

/** A document that has not come has no till yet. */
function lineText({ tillId, ...of }: LineNamed): string {
  return tillId === undefined ? `store ${of.storeId}: ${of.documentId}` : numberText({ ...of, tillId })
}

function soldText({ orderId, line }: Taking): string {
  return orderId !== undefined || !line ? `order ${orderId}` : `line ${line.lineId} of ${lineText(line)}`
}
