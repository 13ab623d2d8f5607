import { setTimeout as sleep } from "node:timers/promises"
import { asUsual, type OrderKind } from "./kind.ts"
import { hasLeft } from "./people.ts"

/** Orders of which a part is written as nobody can read it: that part waits alone. */
export const written: readonly OrderKind[] = [
  {
    kind: "a refund of a sort nobody knows",
    weight: 1,
    wish: { odd: [], payment: "paid", shapes: ["strange-refund"] },
    async later(people, order) {
      if (!(await people.until(order, hasLeft))) return
      const sent = (await people.look(order)).line_items.find((line) => line.fulfilled_quantity > 0)
      await people.inShop(order, "refund", { lineId: sent?.id })
    },
    // We cannot read this refund, so its amount is unknown until a person has looked at it.
    right: { ...asUsual, leaves: "either", keeps: "either", asks: ["VENDOR_VALUE_UNKNOWN"] },
  },
  {
    kind: "a fulfilment in a state nobody knows",
    weight: 1,
    wish: { odd: [], payment: "paid", shapes: ["strange-fulfilment"] },
    right: { ...asUsual, asks: ["VENDOR_VALUE_UNKNOWN", "not shown by the shop"] },
  },
  {
    kind: "does not add up, until the shop states it whole",
    weight: 1,
    wish: { odd: [], payment: "paid", shapes: ["unstated-fee"] },
    async later(people, order) {
      await sleep(4000)
      await people.inShop(order, "set", { set: { shapes: [] } })
    },
    right: { ...asUsual, asks: ["TRANSLATION_FAILED"] },
  },
]
