import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import type { ReceiptLine, SaleTax } from "../../../canonical/sales/receipt-line.ts"
import type { Spot } from "./spot.ts"

type Discount = NonNullable<ReceiptLine["discounts"]>[number]

/** Taxes and discounts of an order, or of a return, by their `uid`: lines name what applies to them, and how much of it. */
export interface Definitions {
  taxes: ReadonlyMap<string, Spot>
  discounts: ReadonlyMap<string, Spot>
}

interface Applying {
  definitions: Definitions
  sign: 1 | -1
}

export function definitionsOf(spot: Spot, names: { taxes: string; discounts: string }): Definitions {
  const byUid = (field: string) => new Map(spot.list(field).map((one) => [one.text("uid") ?? "", one]))
  return { taxes: byUid(names.taxes), discounts: byUid(names.discounts) }
}

/** -0 is another text than 0. */
export function signed(minor: number, sign: 1 | -1): number {
  return minor === 0 ? 0 : minor * sign
}

export function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, one) => sum + one, 0)
}

/** OrderLineItemTaxType: whether the price has the tax in it. */
const taxTypes = { ADDITIVE: false, INCLUSIVE: true } as const

/** The taxes that Square applied to a line or to a service charge, as it charged them. */
export function taxesOf(
  spot: Spot,
  { definitions, sign, taxCodes }: Applying & { taxCodes: Readonly<Record<string, string>> | undefined },
): SaleTax[] {
  return appliedOf(spot, "tax", definitions.taxes).map(({ amountMinor, definition: tax }): SaleTax => {
    const isIncluded = tax.word("type", taxTypes)
    const percentage = tax.text("percentage")
    return {
      code: codeOf(tax, taxCodes),
      ...(percentage !== undefined && /^\d{1,3}(\.\d{1,8})?$/.test(percentage) ? { ratePercent: percentage } : {}),
      amountMinor: signed(amountMinor, sign),
      ...(isIncluded ? { isIncluded } : {}),
    }
  })
}

function codeOf(tax: Spot, taxCodes: Readonly<Record<string, string>> | undefined): string {
  const [id, name] = [tax.text("catalog_object_id"), tax.text("name")]
  if (taxCodes) {
    const code =
      (id === undefined ? undefined : own(taxCodes, id)) ?? (name === undefined ? undefined : own(taxCodes, name))
    if (code !== undefined) return code
    tax.fail(`${name ?? id ?? "it"} has no code in taxCodes of the connection`, "name", "VENDOR_VALUE_UNKNOWN")
  }
  if (name === undefined && id === undefined) tax.fail("is missing, and the tax has no catalogue id", "name")
  return cut(name ?? id ?? "-", 64)
}

/** OrderLineItemDiscountScope. */
const scopes = { LINE_ITEM: "line", ORDER: "receipt" } as const

/** The discounts that Square applied to a line. */
export function discountsOf(spot: Spot, { definitions, sign }: Applying): Discount[] {
  return appliedOf(spot, "discount", definitions.discounts).map(({ amountMinor, definition: discount }): Discount => {
    const scope = discount.word("scope", scopes)
    const [rule, name] = [discount.text("pricing_rule_id"), discount.text("name")]
    return {
      amountMinor: signed(amountMinor, sign),
      ...(scope ? { scope } : {}),
      ...(rule === undefined ? {} : { promotionId: cut(rule, 128) }),
      ...(name === undefined ? {} : { reason: cut(name, 200) }),
    }
  })
}

/** The taxes or discounts of a line with their definitions. Those that the order does not define, and a total that differs, are problems. */
function appliedOf(spot: Spot, kind: "tax" | "discount", definitions: ReadonlyMap<string, Spot>) {
  const list = kind === "tax" ? "applied_taxes" : "applied_discounts"
  const found = spot.list(list).flatMap((applied) => {
    const amountMinor = applied.amount("applied_money")
    const definition = definitions.get(applied.text(`${kind}_uid`) ?? "")
    if (!definition) applied.fail(`is no ${kind} of the order`, `${kind}_uid`)
    return definition ? [{ amountMinor, definition }] : []
  })
  const sum = sumOf(found.map((one) => one.amountMinor))
  const total = spot.minor(`total_${kind}_money`)
  if (total !== undefined && total !== sum)
    spot.fail(
      `is ${total} minor units, and ${list} come to ${sum}: what makes up the rest is not said`,
      `total_${kind}_money`,
    )
  return found
}
