import { expect, test } from "vitest"
import type { ShownState } from "../../ports/capabilities/products.ts"
import { ProductsInChannel } from "./in-channel.ts"

function products(states?: readonly ShownState[]): ProductsInChannel {
  const publishesProducts = { writes: ["state"], ...(states && { states }) }
  // Only what the channel says of itself is read.
  const connection = { id: "shop", connected: { publishesProducts } } as never
  return new ProductsInChannel("shop", { connection, articles: { theirs: async () => new Map() } })
}

test("PUBLISHING 19: what is withdrawn is a draft in a channel that keeps nothing for the records, and archived in others", () => {
  const all: readonly ShownState[] = ["active", "draft", "archived"]
  expect(all.map((state) => products(["active", "draft"]).stateShown(state))).toEqual(["active", "draft", "draft"])
  expect(all.map((state) => products().stateShown(state))).toEqual(all)
})
