import { setTimeout as sleep } from "node:timers/promises"
import { asUsual, type OrderKind } from "./kind.ts"
import type { People, Placed } from "./people.ts"

/** Orders whose money moves at the payment provider: the buyer's bank disputes it, or staff refund or capture it there by hand. */
export const atProvider: readonly OrderKind[] = [
  {
    kind: "disputed, and won",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    later: (people, order) => dispute(people, order, "won"),
    right: { ...asUsual, asks: ["payment disputed"] },
  },
  {
    kind: "disputed, and lost",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    later: (people, order) => dispute(people, order, "lost"),
    // The buyer has the goods, and the money that the provider says the bank took.
    right: { ...asUsual, asks: ["payment disputed", "dispute lost"] },
  },
  {
    kind: "refund at the provider, which failed later",
    weight: 2,
    wish: { odd: [], payment: "authorised" },
    async later(people, order) {
      const id = await people.withCaptured(order, "refunds", { amount: 100 })
      await sleep(3000)
      if (id !== undefined) await people.atProvider("refunds/settle", { id, outcome: "failed" })
    },
    right: { ...asUsual, asks: ["refund came back"] },
  },
  { kind: "held by the shop's own payments", weight: 3, wish: { odd: [], payment: "held" }, right: asUsual },
]

async function dispute(people: People, order: Placed, outcome: "won" | "lost"): Promise<void> {
  const id = await people.withCaptured(order, "disputes")
  await sleep(3000)
  if (id !== undefined) await people.atProvider("disputes/close", { id, outcome })
}
