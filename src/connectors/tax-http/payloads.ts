import { Type, type Static } from "typebox"
import { AppError } from "../../base/errors.ts"
import { validator } from "../../canonical/validate.ts"

// docs/reference/http-json-systems.md, "Quote".

export interface QuoteRequest {
  reference: string
  currency: string
  taxesIncluded: boolean
  shipTo: { countryCode?: string; region?: string; postalCode: string }
  lines: { lineId: string; taxCode: string; amountMinor: number }[]
}

const Quote = Type.Object({
  quoteId: Type.String(),
  lines: Type.Array(
    Type.Object({ lineId: Type.String(), taxes: Type.Array(Type.Object({ amountMinor: Type.Integer() })) }),
  ),
  totalTaxMinor: Type.Integer(),
})
export type Quote = Static<typeof Quote>

const quotes = validator(Quote, "tax quote")

/** The typed response. VENDOR_MISBEHAVED with everything that is missing. */
export function readQuote(body: unknown): Quote {
  const problems = quotes.problems(body)
  if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", "a tax quote is not as documented", { problems })
  return quotes.parse(body)
}
