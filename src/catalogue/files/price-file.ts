import { decimalText, type CsvFile, type CsvProblem } from "../../base/csv/csv.ts"
import { asAppError, type Problem } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { money, moneyFromDecimal, moneyToDecimal } from "../../base/money.ts"
import { quantityFromDecimal, quantityToDecimal } from "../../base/quantity.ts"
import { Price, PriceRecordId, type PriceScope } from "../../canonical/catalogue/price.ts"
import { Sku } from "../../canonical/parts.ts"
import { validator } from "../../canonical/validate.ts"
import { readValidity } from "../../canonical/catalogue/validity.ts"
import type { PriceRow } from "../writes/price-writes.ts"
import type { PriceRecord } from "../../rules/prices/valid-price.ts"
import { cellsOf, headingProblems, usableLines, type ReadRows } from "./cells.ts"

/** Columns of a file of prices. An empty cell says nothing; `(clear)` takes something away. */
export const priceColumns = [
  "sku",
  "record",
  "type",
  "amount",
  "currency",
  "tax",
  "market",
  "channel",
  "location",
  "group",
  "unit",
  "from_quantity",
  "from",
  "until",
  "zone",
  "end_included",
  "rank",
  "compare_at",
  "ended",
] as const
type Column = (typeof priceColumns)[number]

const price = validator(Price, "price")
const skuText = validator(Sku, "SKU")
const recordText = validator(PriceRecordId, "record")

/** Reads the rows of a file of prices; each problem with its line and column. */
export function readPriceFile(file: CsvFile): ReadRows<PriceRow> {
  const wrongHeading = file.isReadable
    ? headingProblems(file, { known: priceColumns, needed: ["sku", "type", "amount", "currency"] })
    : []
  const problems = [...file.problems, ...wrongHeading]
  if (!file.isReadable || wrongHeading.length > 0) return { rows: [], problems }
  const rows: ReadRows<PriceRow>["rows"] = []
  for (const line of usableLines(file)) {
    const cell = cellsOf<Column>(file, line)
    const found: CsvProblem[] = []
    const wrong = (column: string, message: string) => void found.push({ line: line.line, column, message })
    const row = rowOf(cell, wrong)
    if (found.length === 0 && row) rows.push({ line: line.line, row })
    problems.push(...found)
  }
  return { rows, problems }
}

type Wrong = (column: string, message: string) => void

function rowOf(cell: (column: Column) => string | undefined, wrong: Wrong): PriceRow | undefined {
  const sku = cell("sku") ?? ""
  for (const { message } of skuText.problems(sku)) wrong("sku", message)
  const scope = scopeOf(cell, wrong)
  const type = cell("type") ?? ""
  const currency = (cell("currency") ?? "").toUpperCase()
  const record = cell("record") ?? derivedId("row", sku, type, currency, JSON.stringify(scope), cell("from") ?? "")
  for (const { message } of recordText.problems(record)) wrong("record", message)
  if (/^(yes|true|1|x)$/i.test(cell("ended") ?? "")) return { sku, record, ended: true }
  const amount = amountOf(cell("amount"), { currency, column: "amount", wrong })
  const validity = validityOf(cell, wrong)
  const compareAt = compareAtOf(cell("compare_at"), { currency, wrong })
  const rank = cell("rank")
  const made = {
    type,
    amount: amount ?? money(1, "EUR"),
    taxBasis: cell("tax") ?? "inclusive",
    scope,
    validity: validity ?? {},
    ...(rank === undefined ? {} : { rank: Number(decimalText(rank)) }),
    ...(compareAt ? { compareAt } : {}),
  }
  for (const { pointer, message } of price.problems(made)) wrong(columnOf(pointer), message)
  return { sku, record, price: made as Price }
}

/** The column that a part of a price stands in. */
export function columnOf(pointer: string): string {
  const [, first = "", second = ""] = pointer.replace(/^\/price(?=\/)/, "").split("/")
  if (first === "scope") return second === "minMilli" ? "from_quantity" : second
  if (first === "validity") return second
  return { taxBasis: "tax", compareAt: "compare_at" }[first] ?? first
}

function amountOf(
  text: string | undefined,
  { currency, column, wrong }: { currency: string; column: string; wrong: Wrong },
) {
  const decimal = decimalText(text ?? "")
  if (decimal === undefined) return void wrong(column, `"${text ?? ""}" is no amount`)
  try {
    return moneyFromDecimal(decimal, currency)
  } catch (thrown) {
    wrong(asAppError(thrown).message.includes("ISO 4217") ? "currency" : column, asAppError(thrown).message)
    return undefined
  }
}

/** Older systems write 0 where there is none; nobody ever sold anything for "was 0". */
function compareAtOf(
  text: string | undefined,
  { currency, wrong }: { currency: string; wrong: Wrong },
): Price["compareAt"] {
  if (text === undefined) return undefined
  if (text === "(clear)" || /^0+([.,]0+)?$/.test(text)) return { clear: true }
  const set = amountOf(text, { currency, column: "compare_at", wrong })
  return set && { set }
}

function scopeOf(cell: (column: Column) => string | undefined, wrong: Wrong): PriceScope {
  const names = ["market", "channel", "location", "group", "unit"] as const
  const scope: PriceScope = Object.fromEntries(
    names.flatMap((name) => (cell(name) === undefined ? [] : [[name, cell(name)]])),
  )
  const least = cell("from_quantity")
  if (least === undefined) return scope
  try {
    return { ...scope, minMilli: quantityFromDecimal(decimalText(least) ?? least, scope.unit ?? "ea").milli }
  } catch (thrown) {
    wrong("from_quantity", asAppError(thrown).message)
    return scope
  }
}

function validityOf(cell: (column: Column) => string | undefined, wrong: Wrong) {
  const [from, until, zone, included] = [cell("from"), cell("until"), cell("zone"), cell("end_included")]
  try {
    return readValidity({
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until }),
      ...(zone === undefined ? {} : { zone }),
      ...(included === undefined ? {} : { endIncluded: /^(yes|true|1|x)$/i.test(included) }),
    })
  } catch (thrown) {
    for (const { pointer, message } of asAppError(thrown).problems as readonly Problem[])
      wrong(pointer.slice(1), message)
    return undefined
  }
}

/** A price as a line of a file; read again it is the same price. */
export function priceLine(
  sku: string,
  { record, type, amount, taxBasis, scope, validity, rank, compareAt }: PriceRecord,
): string[] {
  const cells: Record<Column, string | undefined> = {
    sku,
    record,
    type,
    amount: moneyToDecimal(amount),
    currency: amount.currency,
    tax: taxBasis,
    market: scope.market,
    channel: scope.channel,
    location: scope.location,
    group: scope.group,
    unit: scope.unit,
    from_quantity: scope.minMilli === undefined ? undefined : quantityToDecimal({ milli: scope.minMilli, unit: "" }),
    from: validity.from,
    until: validity.until,
    zone: validity.zone,
    end_included: undefined,
    rank: rank === undefined ? undefined : String(rank),
    compare_at: compareAt && ("set" in compareAt ? moneyToDecimal(compareAt.set) : "(clear)"),
    ended: undefined,
  }
  return priceColumns.map((column) => cells[column] ?? "")
}
