import { isObject } from "../../base/json/delivered.ts"
import { AppError, type Problem } from "../../base/errors.ts"
import { canonicalJson, textKey } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { isCurrency, money } from "../../base/money.ts"
import { cut, withoutCardNumbers } from "../../base/text.ts"
import { parseInstant } from "../../base/time.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { OrderPart, Translation } from "../../ports/capabilities/intake.ts"
import { unpaidRefund, waitingParts, type OddPart } from "../../protocols/odd-parts.ts"
import { contentOf } from "./orders/content.ts"
import { refundsOf, type ReadRefund } from "./orders/refunds.ts"
import { receiptOf, type ReceiptSettings } from "./orders/receipt.ts"
import { fieldOf, listOf, textOf, type ReadOrder } from "./payloads.ts"

/** OrderState: whether the order is a receipt. */
const states: Readonly<Record<string, string | undefined>> = {
  COMPLETED: undefined,
  OPEN: "it is open: it becomes a receipt when it is completed",
  DRAFT: "it is a draft",
  CANCELED: "it was cancelled, and nothing was paid for it",
}

/** The longest id of an order that a document can have. They are of 20 to 40 characters. */
const idMax = 64

/**
 * An order with what it names, as one fact: the receipt. What of a completed order cannot be read is told with it, so that its day knows
 * of it; only where the store is not known, the order itself waits.
 */
export function translateRead(
  read: ReadOrder,
  { system, settings }: { system: string; settings: ReceiptSettings },
): Translation {
  const { order } = read
  const id = textOf(fieldOf(order, "id"))
  const state = textOf(fieldOf(order, "state"))
  if (id === undefined || id.length > idMax) throw failed("/order/id", `must be a text of 1 to ${idMax} characters`)
  if (state === undefined || !Object.hasOwn(states, state))
    throw failed("/order/state", `"${cut(state ?? "", 100)}" is not known`, {
      code: "VENDOR_VALUE_UNKNOWN",
      about: { system, id },
    })
  const at = stateAt(read)
  const name = `${system}:order:${id}`
  const ignored = own(states, state)
  if (ignored !== undefined) {
    const readWhole = at === undefined ? [] : [{ prefix: name, at }]
    return { events: [], ignored: `${id}: ${ignored}`, readWhole }
  }
  if (at === undefined) throw failed("/order/updated_at", "must be a time", { about: { system, id } })
  const currency = currencyOf(order)
  if (currency === undefined)
    throw failed("/order/total_money/currency", "no amount of it has a currency of ISO 4217", { about: { system, id } })
  const locationId = textOf(fieldOf(order, "location_id"))
  const store = locationId === undefined ? undefined : own(settings.locations, locationId)
  const { receipt, problems, worthMinor } = receiptOf(read, { currency, storeId: store?.storeId ?? "-", settings })
  if (!store)
    return waitsForStore(
      { name: `${name}:receipt`, at, number: id, money: money(worthMinor, currency) },
      { about: { system, type: "order", id }, locationId },
    )
  const content = contentOf(order)
  const sent = textKey(canonicalJson(content))
  const { kind, storeId, tillId, documentId, endedAt } = receipt
  const bare = { kind, storeId, tillId, documentId: documentId ?? id, endedAt, currency }
  const told = toldOf({
    system,
    fact: `${system}:receipt:${id}:${sent}`,
    sent,
    receipt,
    bare,
    problems,
    content,
    worthMinor,
  })
  const refunds = refundsOf(read, { storeId, tillId, currency })
  const { events, odd } = refundFacts(refunds, { system, order: name })
  return {
    events: [told, ...events],
    ...waitingParts(odd, { system, id, fact: name, at }),
    // A refund is as new as its own time says: the clocks of orders and refunds need not agree, so the order's time ends no news of it.
    readWhole: [
      { prefix: `${name}:receipt`, at },
      ...refunds.map((one) => ({ prefix: `${name}:refund:${one.id}`, at: one.at ?? at })),
    ],
  }
}

/** The receipt of a location that the settings do not name waits whole. */
function waitsForStore(
  part: OrderPart,
  { about, locationId = "" }: { about: { system: string; type: string; id: string }; locationId: string | undefined },
): Translation {
  const code = "VENDOR_VALUE_UNKNOWN"
  const message = `${cut(locationId, 100)} is no location of the connection's settings`
  const problems = [{ pointer: "/order/location_id", message, code } as const]
  const what = "a receipt of a location that is no store of ours"
  return { events: [], refused: [{ pointer: "/order", code, message: what, about, problems, part }] }
}

/** The newest time that anything of it has: a refund may go on without its order. */
function stateAt({ order, payments, refunds }: ReadOrder): string | undefined {
  const all = [order, ...payments, ...refunds].flatMap(
    (one) => parseInstant(textOf(fieldOf(one, "updated_at")) ?? "") ?? [],
  )
  return all.sort().at(-1)
}

interface Telling {
  system: string
  fact: string
  sent: string
  receipt: Receipt
  /** What names it, for one that cannot be read. */
  bare: Receipt
  problems: readonly Problem[]
  content: object
  worthMinor: number
}

/** What was read whole once is not told again, whatever is set later. What could not be read is told anew when other things of it can. */
function toldOf({ system, fact, sent, receipt, bare, problems, content, worthMinor }: Telling): NewEvent {
  const shared = { type: "receipt.told", source: system, time: receipt.endedAt } as const
  if (problems.length === 0) return newEvent({ ...shared, fact, data: { system, sent, receipt } })
  const told = problems
    .slice(0, 50)
    .map(({ pointer, message }) => ({ pointer: cut(pointer, 1000), message: cut(message, 2000) }))
  return newEvent({
    ...shared,
    fact: `${fact}:unread:${textKey(canonicalJson(told))}`,
    data: {
      system,
      sent,
      receipt: bare,
      unread: { problems: told, asSent: withoutCardNumbers(canonicalJson(content)), worthMinor },
    },
  })
}

/** Refunds that were given are told; those that are on their way, or did not arrive, wait by themselves. What they will tell is named here. */
function refundFacts(
  refunds: readonly ReadRefund[],
  { system, order }: { system: string; order: string },
): { events: NewEvent[]; odd: OddPart[] } {
  const events: NewEvent[] = []
  const odd: OddPart[] = []
  for (const { id, pointer, at, standing, amountMinor, receipt, problems } of refunds) {
    const { currency, documentId, tenders: _, ...bare } = receipt
    if (standing === "pending" || standing === "failed") {
      const isPending = standing === "pending"
      const factAbout = ref("document", system, "receipt", documentId)
      const part = unpaidRefund({ id, pointer, money: money(amountMinor, currency) }, { isPending })
      odd.push({ ...part, factAbout, ...(at === undefined ? {} : { at }) })
      continue
    }
    const content = { refund: id, amountMinor, currency }
    events.push(
      toldOf({
        system,
        fact: `${order}:refund:${id}`,
        sent: textKey(canonicalJson(content)),
        receipt,
        bare: { ...bare, documentId, currency },
        problems,
        content,
        worthMinor: -amountMinor,
      }),
    )
  }
  return { events, odd }
}

interface Failing {
  code?: "TRANSLATION_FAILED" | "VENDOR_VALUE_UNKNOWN"
  about?: { system: string; id: string }
}

function failed(pointer: string, message: string, { code = "TRANSLATION_FAILED", about }: Failing = {}): AppError {
  return new AppError(code, `the order cannot be read: ${pointer} ${message}`, {
    problems: [{ pointer, message, code }],
    ...(about ? { data: { about: { ...about, type: "order" } } } : {}),
  })
}

/** All amounts of an order are in one currency; a return may have no total. */
function currencyOf(order: unknown): string | undefined {
  const places = [
    fieldOf(order, "total_money"),
    fieldOf(order, "return_amounts", "total_money"),
    fieldOf(listOf(fieldOf(order, "tenders"))[0], "amount_money"),
  ]
  const found = places.map((one) => textOf(fieldOf(one, "currency"))).find((one) => one !== undefined)
  return found !== undefined && isCurrency(found) ? found : undefined
}

/** A body as `readOrder` made it. TRANSLATION_FAILED otherwise. */
export function readOrderIn(body: Record<string, unknown>): ReadOrder {
  const { type, order, payments, refunds, skus, sources, soldAt } = body
  if (!isObject(order)) throw failed("/order", "must be an order")
  return {
    type: type as ReadOrder["type"],
    order,
    payments: listOf(payments),
    refunds: listOf(refunds),
    skus: textsOf(skus),
    sources: textsOf(sources),
    soldAt: textsOf(soldAt),
  }
}

function textsOf(value: unknown): Record<string, string | null> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (one === null || typeof one === "string" ? [[name, one]] : [])),
  )
}
