import { asUsual, type OrderKind } from "./kind.ts"
import { hasLeft } from "./people.ts"
import type { ShopOrder } from "../books/books.ts"

/** Causes about a change that came when goods were on their way to the buyer. */
const lateChange = [
  "changed after release",
  "too late to change",
  "no stock for the edit",
  "ships to the old address",
  "invoices differ from the order",
  "changed after it was closed",
  "not shown by the shop",
]

/** Changes by buyers and staff to an open order. */
export const changes: readonly OrderKind[] = [
  {
    kind: "address corrected",
    weight: 3,
    wish: { odd: [], payment: "paid" },
    later: async (people, order) =>
      void (await people.inShop(order, "set", { set: { "shippingAddress.line1": "Oudegracht 1" } })),
    right: { ...asUsual, asks: lateChange },
  },
  {
    kind: "exchanged before it left",
    weight: 3,
    wish: { odd: ["note"], payment: "paid" },
    async later(people, order) {
      const { line_items } = await people.look(order)
      const [first] = line_items
      const last = line_items.at(-1)
      // A gift that came with the order is last, and costs nothing.
      if (!first || !last) return
      await people.inShop(order, "edit", {
        remove: [{ lineId: last.id, quantity: 1 }],
        add: [{ likeLineId: first.id, quantity: 1 }],
      })
      await people.inShop(order, "pay")
    },
    right: { ...asUsual, leaves: "either", keeps: "either", asks: [...lateChange, "refunded by the shop"] },
  },
  {
    kind: "exchanged after it left",
    weight: 2,
    wish: { odd: [], payment: "paid" },
    async later(people, order) {
      if (!(await people.until(order, hasLeft))) return
      const sent = (await people.look(order)).line_items.find((line) => line.fulfilled_quantity > 0)
      if (!sent) return
      // One unit comes back, its money stays and pays for the one that is sent instead.
      await people.inShop(order, "refund", { lineId: sent.id, amountMinor: 0 })
      await people.inShop(order, "edit", { add: [{ likeLineId: sent.id, quantity: 1 }] })
    },
    right: { ...asUsual, leaves: "either", asks: lateChange },
  },
]

/** Everyday changes, made at any share of odd orders. */
export const everyday: readonly OrderKind[] = [
  {
    kind: "cancelled by its buyer",
    weight: 1,
    wish: {},
    later: async (people, order) => void (await people.inShop(order, "cancel")),
    right: {
      ends: ["cancelled", "closed"],
      leaves: "either",
      keeps: "either",
      asks: ["too late to stop", "cancelled after it was closed", "tell the shop it shipped"],
    },
  },
  {
    kind: "a unit taken off, or a note changed",
    weight: 1,
    wish: {},
    async later(people, order) {
      const line = several(await people.look(order))
      const body = line
        ? { remove: [{ lineId: line.id, quantity: 1 }] }
        : { note: "Please leave it with the neighbours" }
      await people.inShop(order, "edit", body)
    },
    right: { ...asUsual, leaves: "either", keeps: "either", asks: lateChange },
  },
]

const several = ({ line_items }: ShopOrder) => line_items.find(({ quantity }) => quantity > 1)
