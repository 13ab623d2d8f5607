import { expect, test } from "vitest"
import { ScreeningRequest } from "../lab/fraud/fraud.ts"
import { QuoteRequest } from "../lab/tax/tax.ts"
import { ShipmentRequest } from "../lab/warehouse/warehouse.ts"
import { Order, OrderLine } from "../src/canonical/order.ts"
import { Address, LocationId, LineId, OrderId } from "../src/canonical/parts.ts"

// What an order may contain, a house system takes: an order that a shop sold must never be refused for its length.

interface Limits {
  type?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  pattern?: string
  properties?: Record<string, Limits>
  required?: string[]
  items?: Limits
}

const inOrder = Order.properties as unknown as Record<string, Limits>
const inLine = OrderLine.properties as unknown as Record<string, Limits>
const address = Address as unknown as Limits
const quantity = inLine["quantity"]?.properties ?? {}
const money = inLine["total"]?.properties?.["shop"]?.properties ?? {}

// Where each protocol puts a part of an order. What a system needs to answer at all may be demanded: quantities above 0, a name.
const shipment = ShipmentRequest as unknown as Limits
const quote = QuoteRequest as unknown as Limits
const screening = ScreeningRequest as unknown as Limits
const field = (schema: Limits, ...path: string[]): Limits | undefined =>
  path.reduce<Limits | undefined>((at, name) => (name === "[]" ? at?.items : at?.properties?.[name]), schema)
const pairs: [string, Limits | undefined, Limits | undefined][] = [
  ["warehouse /orderId", field(shipment, "orderId"), OrderId as Limits],
  ["warehouse /orderNumber", field(shipment, "orderNumber"), inOrder["number"]],
  ["warehouse /locationId", field(shipment, "locationId"), LocationId as Limits],
  ["warehouse /lines", field(shipment, "lines"), inOrder["lines"]],
  ["warehouse /lines/lineId", field(shipment, "lines", "[]", "lineId"), LineId as Limits],
  ["warehouse /lines/sku", field(shipment, "lines", "[]", "sku"), inLine["sku"]],
  ["warehouse /lines/unit", field(shipment, "lines", "[]", "unit"), quantity["unit"]],
  ["tax /reference", field(quote, "reference"), OrderId as Limits],
  ["tax /lines", field(quote, "lines"), inOrder["lines"]],
  ["tax /lines/amountMinor", field(quote, "lines", "[]", "amountMinor"), money["amountMinor"]],
  ["fraud /email", field(screening, "email"), inOrder["customer"]?.properties?.["email"]],
  ["fraud /lines", field(screening, "lines"), inOrder["lines"]],
  ["fraud /lines/sku", field(screening, "lines", "[]", "sku"), inLine["sku"]],
  ["fraud /lines/unit", field(screening, "lines", "[]", "unit"), quantity["unit"]],
  ["fraud /lines/amountMinor", field(screening, "lines", "[]", "amountMinor"), money["amountMinor"]],
  ...["warehouse /shipTo", "fraud /shipTo", "fraud /billTo"].flatMap((place) => {
    const [system = "", name = ""] = place.split(" /")
    const theirs = field(system === "fraud" ? screening : shipment, name)
    return Object.entries(address.properties ?? {}).map(
      ([key, ours]): [string, Limits | undefined, Limits | undefined] => [
        `${place}/${key}`,
        theirs?.properties?.[key],
        ours,
      ],
    )
  }),
]

function tooNarrow(theirs: Limits | undefined, ours: Limits | undefined): string[] {
  if (!theirs) return ["is not there"]
  const problems: string[] = []
  const most = (key: "maxLength" | "maxItems" | "maximum") => {
    if (theirs[key] !== undefined && theirs[key] < (ours?.[key] ?? Infinity))
      problems.push(`${key} ${theirs[key]} < ${ours?.[key]}`)
  }
  const least = (key: "minLength" | "minItems" | "minimum") => {
    if (theirs[key] !== undefined && theirs[key] > (ours?.[key] ?? (key === "minimum" ? -Infinity : 0)))
      problems.push(`${key} ${theirs[key]} > ${ours?.[key]}`)
  }
  for (const key of ["maxLength", "maxItems", "maximum"] as const) most(key)
  for (const key of ["minLength", "minItems", "minimum"] as const) least(key)
  // A pattern with a longest length is that of our own ids.
  if (
    theirs.pattern !== undefined &&
    theirs.pattern !== ours?.pattern &&
    !new RegExp(theirs.pattern).test("ord_0123456789abcdef")
  )
    problems.push(`pattern ${theirs.pattern}`)
  return problems
}

test("P-33: our HTTP/JSON protocols take every text, list and amount that an order may have", () => {
  const narrow = pairs.flatMap(([place, theirs, ours]) =>
    // The connector fills an empty name: a parcel needs one.
    place.endsWith("/name") ? [] : tooNarrow(theirs, ours).map((problem) => `${place}: ${problem}`),
  )
  expect(narrow).toEqual([])
})

test("P-33: what the protocols demand of an address, every address has", () => {
  for (const schema of [field(shipment, "shipTo"), field(screening, "shipTo"), field(screening, "billTo")])
    expect(address.required).toEqual(expect.arrayContaining(schema?.required ?? []))
})
