import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import type { ChargedTax, JournalLine } from "../../../canonical/ledger-entry.ts"
import type { SapSettings } from "../settings.ts"

const isTax = ({ account }: JournalLine) => account === "tax payable"
const sameTax = (tax: ChargedTax | undefined) => (line: JournalLine) => JSON.stringify(line.tax) === JSON.stringify(tax)

/** What a tax is on: all lines of the entry that say so. */
export function taxBaseMinor(lines: readonly JournalLine[], tax: ChargedTax | undefined): number {
  return sumMinor(lines.filter((line) => !isTax(line) && sameTax(tax)(line)))
}

/**
 * The code of a tax of an entry: by country and rate, by the rate alone, or by the country. Some channels state a tax without its rate;
 * then the rate is the one whose tax on the entry's own amounts is what was charged, when it is the only one. What no code is given for
 * is a question for people, with the codes there are: none of them is a default.
 */
export function taxCode({ taxCodes }: SapSettings, tax: ChargedTax | undefined, lines: readonly JournalLine[]): string {
  if (tax === undefined) return taxCodes.none
  const keys = keysOf(tax)
  for (const key of keys) {
    const code = own(taxCodes.rates, key)
    if (code !== undefined) return code
  }
  const byAmount = isWithoutRate(tax) ? codesByAmount(taxCodes.rates, tax, lines) : []
  if (byAmount.length === 1 && byAmount[0] !== undefined) return byAmount[0]
  throw noCode(taxCodes.rates, keys)
}

function keysOf({ country, rates }: ChargedTax): string[] {
  const rate = rates.join("+")
  return country === undefined ? [rate] : [`${country} ${rate}`, rate, country]
}

const isRate = (text: string) => /^\d+(\.\d+)?$/.test(text)
const isWithoutRate = ({ rates }: ChargedTax) => rates.every((rate) => !isRate(rate))

/** Each line of the order was rounded for itself, so an entry may differ by a little from the tax on its sum. */
const roundingMinor = 1.5

/** Codes of the rates that charge this tax on what it is on. A country's own rates count before those of any country. */
function codesByAmount(
  rates: Readonly<Record<string, string>>,
  tax: ChargedTax,
  lines: readonly JournalLine[],
): string[] {
  const baseMinor = taxBaseMinor(lines, tax)
  const chargedMinor = sumMinor(lines.filter((line) => isTax(line) && sameTax(tax)(line)))
  const fits = (rate: string) => Math.abs((baseMinor * Number(rate)) / 100 - chargedMinor) <= roundingMinor
  const found = (prefix: string) =>
    Object.entries(rates).flatMap(([key, code]) => {
      const rate = key.startsWith(prefix) ? key.slice(prefix.length) : ""
      return isRate(rate) && fits(rate) ? [code] : []
    })
  const ofCountry = tax.country === undefined ? [] : found(`${tax.country} `)
  return [...new Set(ofCountry.length > 0 ? ofCountry : found(""))]
}

function noCode(rates: Readonly<Record<string, string>>, [first = "", ...others]: readonly string[]): AppError {
  const known = Object.entries(rates).map(([name, code]) => `${name}: ${code}`)
  const message = `add "${first}"${others.map((key) => `, or "${key}"`).join("")}`
  return new AppError(
    "VENDOR_REJECTED",
    `no tax code is given for "${first}"; there are ${known.join(", ") || "none"}`,
    {
      problems: [{ pointer: "/taxCodes/rates", message }],
    },
  )
}

function sumMinor(lines: readonly JournalLine[]): number {
  return lines.reduce((total, { amount }) => total + amount.amountMinor, 0)
}
