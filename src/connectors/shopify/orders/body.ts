import { deliveredJson } from "../../../base/json/delivered.ts"
import { Reader } from "./reader.ts"

/**
 * Why a delivery is of no concern because it is only a test; undefined when it is not. The admin's "send test notification" has a
 * header of its own and invented ids, which no order has. Orders of the shop's test mode are left out unless the connection marks them.
 */
export function ignoredTest(
  parsed: unknown,
  { isTest, isMarked }: { isTest: boolean; isMarked: boolean },
): string | undefined {
  if (typeof parsed !== "object" || parsed === null) return undefined
  const body = new Reader(parsed)
  const isSample = [body.raw("id"), body.raw("order_id")].some(
    (id) => (typeof id === "string" || typeof id === "number") && sampleIds.has(String(id)),
  )
  if (isSample && (isTest || body.isTrue("test") || body.raw("order_id") !== undefined))
    return "a test notification of the shop's admin"
  if (isMarked) return undefined
  const transactions = body.rawList("transactions") ?? [parsed]
  const isAllTest = transactions.length > 0 && transactions.every((one) => new Reader(one).isTrue("test"))
  return isTest || body.isTrue("test") || isAllTest ? "an order of the shop's test mode" : undefined
}

// The ids of the admin's sample order, refund and fulfilment. They are beyond what a JSON number of JavaScript holds: as text, and
// as they are when somebody has read them as numbers before.
const sampleIds: ReadonlySet<string> = new Set([
  "820982911946154508",
  "820982911946154500",
  "890088186047892319",
  "890088186047892400",
])

// Where a JSON number may stand: long digits within a text, a token for example, need no care, which costs more than the parsing.
const longNumber = /(?:^|[[:,])\s*\d{16}/

/** Parses with whole numbers beyond 2^53 kept as text: an id that is rounded is another id. */
export function parseBody(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString("latin1")
  return deliveredJson(bytes, longNumber.test(text) ? keepingIds : undefined)
}

function keepingIds(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? ""
  return typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(source) ? source : value
}
