import { setTimeout as sleep } from "node:timers/promises"
import { asUsual, type OrderKind } from "./kind.ts"
import { hasLeft, type People, type Placed } from "./people.ts"

const refunded = ["refunded by the shop"]

/** Causes about units that the shop took off when they were on their way already. */
const tooLateToTakeOff = ["refunded goods ship", "not shown by the shop"]

/** A refund on its way waits by itself, and its exception ends when it has arrived. */
const onItsWay = ["refund is on its way"]

/** Money that moves past us: refunds of every sort, captures by hand, authorisations that lapse. */
export const payments: readonly OrderKind[] = [
  {
    kind: "money given back for nothing",
    weight: 2,
    wish: { payment: "paid" },
    later: async (people, order) => void (await people.inShop(order, "refund", { goods: false, amountMinor: 100 })),
    right: asUsual,
  },
  {
    kind: "returned, and refunded by the shop",
    weight: 2,
    wish: { payment: "paid" },
    async later(people, order) {
      if (!(await people.until(order, hasLeft))) return
      const sent = (await people.look(order)).line_items.find((line) => line.fulfilled_quantity > 0)
      await people.inShop(order, "refund", { lineId: sent?.id })
    },
    // Returned units have left the warehouse; the shop no longer counts them.
    right: { ...asUsual, leaves: "either" },
  },
  {
    kind: "a unit refunded before it left",
    weight: 3,
    wish: { payment: "paid" },
    later: async (people, order) => void (await people.inShop(order, "refund")),
    // It may have left by then, and comes back; when it was the only one, nothing is left to ship.
    right: { ...asUsual, ends: ["closed", "cancelled"], leaves: "either", asks: tooLateToTakeOff },
  },
  {
    kind: "refund that arrives later",
    weight: 2,
    wish: { payment: "paid" },
    async later(people, order) {
      await people.inShop(order, "refund", { goods: false, amountMinor: 100, pending: true })
      await sleep(6000)
      await people.inShop(order, "settle-refunds")
    },
    right: { ...asUsual, asks: onItsWay },
  },
  {
    kind: "cancelled while a refund is on its way",
    weight: 2,
    wish: { payment: "paid" },
    async later(people, order) {
      await people.inShop(order, "refund", { goods: false, amountMinor: 100, pending: true })
      await people.inShop(order, "cancel")
      await sleep(6000)
      await people.inShop(order, "settle-refunds")
    },
    right: {
      ends: ["cancelled", "closed"],
      leaves: "either",
      keeps: "either",
      asks: ["too late to stop", "cancelled after it was closed", ...refunded, ...onItsWay, ...tooLateToTakeOff],
    },
  },
  {
    kind: "captured by hand",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    afterMsMax: 300,
    later: (people, order) => captureByHand(people, order),
    right: asUsual,
  },
  {
    kind: "a part captured by hand",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    afterMsMax: 300,
    later: (people, order) => captureByHand(people, order, 100),
    right: asUsual,
  },
  {
    kind: "authorisation lapsed before it left",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    afterMsMax: 300,
    async later(people, order) {
      const hold = await people.holdOf(order)
      if (hold) await people.atProvider("expire", { id: hold.id })
    },
    // Goods may have left, and been paid for, before it lapsed.
    // When nobody pays after all, finance leaves it as it is.
    right: {
      ...asUsual,
      keeps: "either",
      asks: ["authorisation lapsed", "authorisation is gone", "nothing more can be captured"],
    },
  },
]

/** Staff captures in the shop, which captures at its provider first. Crossdock may have been faster: then nothing happens. */
async function captureByHand(people: People, order: Placed, amountMinor?: number): Promise<void> {
  const hold = await people.holdOf(order)
  if (!hold) return
  const part = amountMinor === undefined ? {} : { amountMinor }
  const { captured } = await people.atProvider<{ captured: boolean }>("capture", { id: hold.id, ...part })
  if (captured) await people.inShop(order, "capture", part)
}
