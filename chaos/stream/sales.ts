import { setTimeout as sleep } from "node:timers/promises"
import { asUsual, type OrderKind } from "./kind.ts"
import type { People, Placed } from "./people.ts"

/** Larger amounts than may leave unpaid are asked about. */
const unpaid = ["ship unpaid"]

/** Sales that are no order of the web shop, or are not paid at once. */
export const sales: readonly OrderKind[] = [
  {
    kind: "till, taken away",
    weight: 4,
    wish: { odd: ["till"] },
    right: { ...asUsual, leaves: "nothing" },
  },
  {
    kind: "till, paid in cash",
    weight: 2,
    wish: { odd: ["till", "cash-rounding"] },
    right: { ...asUsual, leaves: "nothing" },
  },
  { kind: "draft of the staff", weight: 3, wish: { odd: ["draft", "po-number"], payment: "paid" }, right: asUsual },
  {
    kind: "test order",
    weight: 2,
    wish: { odd: ["test-order"] },
    right: { ends: ["unknown"], leaves: "nothing", keeps: "either", asks: [] },
  },
  {
    kind: "on terms, paid later",
    weight: 3,
    wish: { odd: ["terms"] },
    later: payLater,
    right: { ...asUsual, asks: unpaid },
  },
  {
    kind: "cash on delivery",
    weight: 3,
    wish: { odd: ["cash-on-delivery"] },
    later: payLater,
    right: { ...asUsual, asks: unpaid },
  },
  { kind: "gift card sold", weight: 2, wish: { odd: ["gift-card-product"] }, right: asUsual },
  {
    kind: "gift card the shop sent itself",
    weight: 2,
    wish: { odd: ["gift-card-fulfilled-by-shop"] },
    // When the rest is sold out, the shop does not cancel an order of which it has fulfilled a part.
    right: { ...asUsual, asks: ["tell the shop it is cancelled"] },
  },
  { kind: "gift card on paper", weight: 2, wish: { odd: ["paper-gift-card"] }, right: asUsual },
  { kind: "paid with a gift card", weight: 3, wish: { odd: ["gift-card-tender"] }, right: asUsual },
]

/** Most of it has left by then; what waits for its payment goes on. */
async function payLater(people: People, order: Placed): Promise<void> {
  await sleep(8000)
  await people.inShop(order, "pay")
}
