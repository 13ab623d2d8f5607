export type TaxCode = "standard" | "reduced" | "zero" | "shipping"

/** One tax of a jurisdiction; the rate in ten-thousandths of a percent, so that 8.875 % is exact. */
export type TaxRate = { title: string; ratePercent: string; rateTenThousandths: number }

type CountryRates = { standard: string; reduced: string }

// Value added tax, standard rate and the reduced rate that covers food.
// Source: European Commission, "VAT rates applied in the EU Member States", state of 2025.
const vatPercent: Record<string, CountryRates> = {
  AT: { standard: "20", reduced: "10" },
  BE: { standard: "21", reduced: "6" },
  DE: { standard: "19", reduced: "7" },
  ES: { standard: "21", reduced: "10" },
  FR: { standard: "20", reduced: "5.5" },
  IT: { standard: "22", reduced: "10" },
  LU: { standard: "17", reduced: "8" },
  NL: { standard: "21", reduced: "9" },
}

// Outside the EU. CH: Federal Tax Administration, rates from 2024-01-01. GB: VAT Act 1994. JP: National Tax Agency,
// consumption tax 10 % and 8 %. KW has no value added tax.
const otherPercent: Record<string, CountryRates> = {
  CH: { standard: "8.1", reduced: "2.6" },
  GB: { standard: "20", reduced: "0" },
  JP: { standard: "10", reduced: "8" },
  KW: { standard: "0", reduced: "0" },
}

type Part = readonly [title: string, percent: string]

// Several taxes on one line. NY: state 4 + city 4.5 + commuter district 0.375 (NYS Publication 718). TX: state 6.25 +
// Austin 1 + transit 1 (Texas Comptroller). ON: GST and the provincial part of HST are shown as one tax by law; split
// here as BC and QC do, to exercise several rates.
const regionalParts: Record<string, readonly Part[]> = {
  "US-NY": [
    ["New York State Sales Tax", "4"],
    ["New York City Sales Tax", "4.5"],
    ["MCTD Sales Tax", "0.375"],
  ],
  "US-TX": [
    ["Texas State Sales Tax", "6.25"],
    ["Austin City Sales Tax", "1"],
    ["Austin MTA Transit", "1"],
  ],
  "US-OR": [],
  "CA-ON": [
    ["GST", "5"],
    ["Ontario HST", "8"],
  ],
  "CA-QC": [
    ["GST", "5"],
    ["QST", "9.975"],
  ],
  "CA-BC": [
    ["GST", "5"],
    ["BC PST", "7"],
  ],
}

/** The taxes on one line; undefined when the jurisdiction has no rates here. */
export function ratesFor(place: { countryCode?: string; region?: string }, taxCode: TaxCode): TaxRate[] | undefined {
  const { countryCode = "", region } = place
  const parts = regionalParts[`${countryCode}-${region ?? ""}`]
  // Food ("reduced") is untaxed in the regions of the table above.
  if (parts !== undefined) return taxCode === "zero" || taxCode === "reduced" ? [] : parts.map(rateOf)
  const vat = vatPercent[countryCode] ?? otherPercent[countryCode]
  if (vat === undefined) return undefined
  if (taxCode === "zero") return []
  const percent = taxCode === "reduced" ? vat.reduced : vat.standard
  return percent === "0"
    ? []
    : [rateOf([`${countryCode} ${countryCode in vatPercent ? "VAT" : "tax"} ${percent}%`, percent])]
}

function rateOf([title, percent]: Part): TaxRate {
  const [whole = "0", places = ""] = percent.split(".")
  return { title, ratePercent: percent, rateTenThousandths: Number(whole) * 10_000 + Number(places.padEnd(4, "0")) }
}
