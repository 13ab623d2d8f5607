import { AppError } from "../../../base/errors.ts"

// https://shopify.dev/docs/api/usage/access-scopes (read 2026-11): a scope that writes a resource also grants reading it. Of work on
// fulfilment orders a shop grants the kind that its locations are of. What only some estates use (stock, prices, products) is refused
// by the shop when it is used first.
const needed: readonly { any: readonly string[]; without: string }[] = [
  { any: ["write_orders"], without: "orders cannot be cancelled, captured or given back" },
  {
    any: [
      "write_merchant_managed_fulfillment_orders",
      "write_third_party_fulfillment_orders",
      "write_assigned_fulfillment_orders",
    ],
    without: "no parcel can be shown, and holds are not seen",
  },
]

/** Throws VENDOR_KEY_REFUSED with every scope that the app lacks, and what cannot be done without it. */
export function assertScopes(granted: readonly string[]): void {
  const lacking = needed.filter(({ any }) => !any.some((scope) => granted.includes(scope)))
  if (lacking.length === 0) return
  const words = lacking.map(({ any, without }) => `${any.join(" or ")} (${without})`)
  throw new AppError("VENDOR_KEY_REFUSED", `the app lacks the access scope ${words.join("; and ")}`)
}
