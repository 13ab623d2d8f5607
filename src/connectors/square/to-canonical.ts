import { AppError } from "../../base/errors.ts"
import { canonicalJson, textKey } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { isCurrency, money } from "../../base/money.ts"
import { cut, withoutCardNumbers } from "../../base/text.ts"
import { parseInstant } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import type { Translation } from "../../ports/capabilities/intake.ts"
import { contentOf } from "./orders/content.ts"
import { receiptOf, type ReceiptSettings } from "./orders/receipt.ts"
import { fieldOf, isObject, listOf, textOf, type ReadOrder } from "./payloads.ts"

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
  const at = parseInstant(textOf(fieldOf(order, "updated_at")) ?? textOf(fieldOf(order, "closed_at")) ?? "")
  const name = `${system}:order:${id}`
  const readWhole = at === undefined ? [] : [{ prefix: name, at }]
  const ignored = own(states, state)
  if (ignored !== undefined) return { events: [], ignored: `${id}: ${ignored}`, readWhole }
  const currency = currencyOf(order)
  if (currency === undefined)
    throw failed("/order/total_money/currency", "no amount of it has a currency of ISO 4217", { about: { system, id } })
  const locationId = textOf(fieldOf(order, "location_id"))
  const store = locationId === undefined ? undefined : own(settings.locations, locationId)
  const { receipt, problems, worthMinor } = receiptOf(read, { currency, storeId: store?.storeId ?? "-", settings })
  if (!store) {
    const message = `${cut(locationId ?? "", 100)} is no location of the connection's settings`
    const problem = { pointer: "/order/location_id", message, code: "VENDOR_VALUE_UNKNOWN" }
    const part = { name: `${name}:receipt`, at: at ?? receipt.endedAt, number: id, money: money(worthMinor, currency) }
    return {
      events: [],
      refused: [
        {
          pointer: "/order",
          code: "VENDOR_VALUE_UNKNOWN",
          message: "a receipt of a location that is no store of ours",
          about: { system, type: "order", id },
          problems: [problem],
          part,
        },
      ],
    }
  }
  const content = contentOf(order)
  const sent = textKey(canonicalJson(content))
  const { kind, storeId, tillId, documentId, endedAt } = receipt
  const bare = { kind, storeId, tillId, documentId: documentId ?? id, endedAt, currency }
  const told = problems
    .slice(0, 50)
    .map(({ pointer, message }) => ({ pointer: cut(pointer, 1000), message: cut(message, 2000) }))
  const unread = { problems: told, asSent: withoutCardNumbers(canonicalJson(content)), worthMinor }
  return {
    events: [
      newEvent({
        type: "receipt.told",
        // What was read whole once is not told again, whatever is set later. What could not be read is told anew when other things of it can.
        fact: `${system}:receipt:${id}:${sent}${problems.length === 0 ? "" : `:unread:${textKey(canonicalJson(told))}`}`,
        source: system,
        time: endedAt,
        data: { system, sent, ...(problems.length === 0 ? { receipt } : { receipt: bare, unread }) },
      }),
    ],
    readWhole,
  }
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
  const { type, order, payments, refunds, skus, sources } = body
  if (!isObject(order)) throw failed("/order", "must be an order")
  return {
    type: type as ReadOrder["type"],
    order,
    payments: listOf(payments),
    refunds: listOf(refunds),
    skus: textsOf(skus),
    sources: textsOf(sources),
  }
}

function textsOf(value: unknown): Record<string, string | null> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (one === null || typeof one === "string" ? [[name, one]] : [])),
  )
}
