import type { Money } from "../../base/money.ts"
import type { Instant } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import { productIdsOf } from "../products.ts"
import { refusedRow, store, type Decided, type Outcome, type Said, type Writing } from "./writing.ts"

/** From this moment a channel shows this price. */
export interface ShownRow {
  sku: string
  channel: string
  market?: string
  amount: Money
  at: Instant
}

/** Notes what channels show. A moment counts once for a channel and a market. */
export async function reportShown(
  writing: Writing,
  rows: readonly ShownRow[],
  { author }: Said,
): Promise<({ sku: string } & Outcome)[]> {
  const ids = await productIdsOf(
    writing.sql,
    rows.map(({ sku }) => sku),
  )
  const decided = rows.map(({ sku, channel, market, amount, at }): Decided => {
    const known = ids.get(sku)
    if (!known) return refusedRow([{ pointer: "/sku", message: "no product has this SKU" }])
    const event = newEvent({
      type: "price.shown",
      fact: `shown:${known.productId}:${channel}:${market ?? ""}:${at}`,
      source: author.name,
      time: at,
      data: {
        productId: known.productId,
        sku: known.sku,
        channel,
        ...(market === undefined ? {} : { market }),
        amount,
        at,
      },
    })
    return { result: { outcome: "accepted" }, events: [event] }
  })
  const results = await store(writing, decided)
  return rows.map(({ sku }, n) => ({ sku, outcome: "refused", ...results[n] }))
}
