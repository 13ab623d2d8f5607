import { epochMs } from "../../base/time.ts"
import type { TillReturnPolicy } from "../../canonical/returns/till-policy.ts"
import { lowestPriceHeld } from "../../catalogue/lowest-held.ts"
import { TillLimits } from "../../sales/limits/till-limits.ts"
import { Articles } from "../../stock/articles/articles.ts"
import type { AreaParts } from "../define-area.ts"

/** The limits of the policy on refunds at tills; prices come from the catalogue. */
export function tillLimits({ sql }: Pick<AreaParts, "sql">, policy: TillReturnPolicy): TillLimits {
  const articles = new Articles(sql)
  const { blind } = policy
  const { days = 1, ...place } = (blind !== "never" && blind?.lowestPrice) || {}
  return new TillLimits({
    policy,
    async lowestPrice({ source, receipt, line }) {
      const { storeId: location, currency, endedAt } = receipt
      const { sku, unit } = line
      if (sku === undefined) return undefined
      // A till may call an article as the catalogue does, or in its own way.
      const skus = [...new Set([...(await articles.ours([{ system: source, article: sku }])), sku])]
      return lowestPriceHeld(sql, { skus, location, currency, unit, ...place, days, atMs: epochMs(endedAt) })
    },
  })
}
