import { AppError } from "../../../base/errors.ts"
import { instant } from "../../../base/time.ts"
import type { Call } from "../../../ports/write.ts"
import type { ShopClient } from "../client.ts"
import { checkShop } from "./operations.ts"

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

const hourMs = 3_600_000
const shownForMs = 60 * 24 * hourMs

/**
 * Why an app is not shown all orders placed since a moment; undefined where it is. Without `read_all_orders` a shop shows those of the
 * last 60 days (https://shopify.dev/docs/api/usage/access-scopes, read 2026-11).
 */
export function refusesOrdersSince(granted: readonly string[], { sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  const earliestMs = nowMs - shownForMs
  if (sinceMs >= earliestMs || granted.includes("read_all_orders")) return undefined
  return `without the access scope read_all_orders the shop shows orders of the last 60 days only: begin at ${instant(typeable(earliestMs))} or later, or have the scope granted`
}

/** The first whole hour that is still within reach when somebody has read it and typed it. */
function typeable(earliestMs: number): number {
  return Math.ceil(earliestMs / hourMs + 0.5) * hourMs
}

/** Throws VENDOR_KEY_REFUSED with every scope that the app lacks, and what cannot be done without it. */
export function assertScopes(granted: readonly string[]): void {
  const lacking = needed.filter(({ any }) => !any.some((scope) => granted.includes(scope)))
  if (lacking.length === 0) return
  const words = lacking.map(({ any, without }) => `${any.join(" or ")} (${without})`)
  throw new AppError("VENDOR_KEY_REFUSED", `the app lacks the access scope ${words.join("; and ")}`)
}

/** The access scopes that the merchant granted the app. */
export async function grantedScopes(client: ShopClient, call: Omit<Call, "key">): Promise<string[]> {
  const answer = await client.read({ document: checkShop, variables: {}, call })
  const granted = answer.object("currentAppInstallation").list("accessScopes")
  const scopes = granted.map((scope) => scope.text("handle"))
  answer.settleAnswer("what the app may do")
  return scopes
}
