import type { Estate } from "../src/estate.ts"
import { own } from "../src/governance/ownership/own.ts"

/** Who owns what in the demo. Texts, prices and promotions come by the API and by files of the operator; stock comes from the books. */
export const ownership: NonNullable<Estate["ownership"]> = [
  own("product.*", {}, { owner: "api:operator", to: ["shopify"], foreign: "hold", fresh: "15m" }),
  own("product.seo", {}, { owner: "shopify" }),
  own("price.*", {}, { owner: "api:operator", to: ["shopify"], foreign: "restore", fresh: "1m", oneMoment: true }),
  own("price.cost", {}, { owner: "api:operator", foreign: "alert" }),
  own(
    "price.sale",
    { location: "*" },
    { owner: "api:operator", foreign: "hold", override: { by: "store-manager", within: "10%", until: "7d" } },
  ),
  own("promotion.terms", {}, { owner: "api:operator", foreign: "hold" }),
  own("stock.*", {}, { owner: "warehouse", to: ["shopify"], foreign: "alert" }),
]

/** What is looked at before a price counts, and what a product needs for the shop. */
export const catalogue: NonNullable<Estate["policies"]["catalogue"]> = {
  guards: { largestChangePercent: 60, floorPercentOfCost: 100 },
  complete: [{ channel: "shopify", fields: ["title", "taxCategory"] }],
}
