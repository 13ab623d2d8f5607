import { Ajv } from "ajv"
import { assert, nat, property, string } from "fast-check"
import { buildClientSchema, parse, validate, type IntrospectionQuery } from "graphql"
import { existsSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import type { Order } from "../../src/canonical/order.ts"
import { salesOrderBody } from "../../src/connectors/sap-s4hana/from-canonical.ts"
import * as operations from "../../src/connectors/shopify/graph/operations.ts"
import * as refunds from "../../src/connectors/shopify/graph/refunds.ts"
import { createEstate } from "../../lab/estate/estate.ts"
import { sampleOrder } from "../laws/sample-order.ts"
import { erpSettings } from "./sap-bench.ts"

const shopifyFile = "../shared/schemas/shopify/admin_2026-10.json.gz"
const salesOrderFile = "../shared/schemas/sap-s4hana/openapi/API_SALES_ORDER_SRV.json"
for (const file of [shopifyFile, salesOrderFile])
  if (!existsSync(file))
    console.log(`skipped: ${file} is not here, so requests are not held against the vendor's schema`)

describe.skipIf(!existsSync(shopifyFile))("Shopify's Admin API 2026-10", () => {
  const documents = Object.entries({ ...operations, ...refunds }).flatMap(([name, text]) =>
    typeof text === "string" ? [{ name, text: String(text) }] : [],
  )

  test("knows every field and argument of every operation", () => {
    const { data } = JSON.parse(gunzipSync(readFileSync(shopifyFile)).toString("utf8")) as { data: IntrospectionQuery }
    const schema = buildClientSchema(data, { assumeValid: true })
    const problems = documents.flatMap(({ name, text }) =>
      validate(schema, parse(text)).map((error) => `${name}: ${error.message}`),
    )
    expect(problems).toEqual([])
    expect(documents.length).toBeGreaterThan(8)
  })
})

describe.skipIf(!existsSync(salesOrderFile))("SAP's API_SALES_ORDER_SRV", () => {
  test("accepts the body of any order: every field is known, typed and short enough", () => {
    const { components } = JSON.parse(readFileSync(salesOrderFile, "utf8")) as { components: { schemas: object } }
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
    ajv.addSchema({ $id: "openapi", components: { schemas: closed(components.schemas) } })
    const check = ajv.compile({ $ref: "openapi#/components/schemas/CreateA_SalesOrder" })
    const settings = erpSettings(createEstate({ seed: 7, skuCount: 20 }), "http://127.0.0.1:1")
    assert(
      property(
        string({ maxLength: 300, size: "max" }),
        string({ maxLength: 40, size: "max" }),
        nat(20_000),
        (title, number, milli) => {
          const order = stretched(sampleOrder({ number: 1, channel: "shop-de", skus: ["SKU-1", "SKU-2"] }), {
            title,
            number,
            milli,
          })
          check(salesOrderBody(order, [], { key: order.id, settings, businessDate: "2026-11-20" }))
          expect(check.errors ?? []).toEqual([])
        },
      ),
    )
  })
})

function stretched(order: Order, how: { title: string; number: string; milli: number }): Order {
  const lines = order.lines.map((line) => ({ ...line, title: how.title, quantity: { milli: how.milli, unit: "kg" } }))
  return { ...order, number: how.number, notes: how.title, lines }
}

/**
 * The vendor's schemas with unknown fields made errors; bounds of decimals are left out because those travel as text,
 * required fields because they are the keys that SAP itself gives.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== "object" || schema === null) return schema
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema))
    if (!["multipleOf", "minimum", "maximum", "example", "required"].includes(key)) copy[key] = closed(value)
  if (copy["nullable"] === true && copy["type"] === undefined) delete copy["nullable"]
  const { properties } = copy
  if (
    copy["type"] === "object" &&
    typeof properties === "object" &&
    properties !== null &&
    Object.keys(properties).length > 2
  )
    copy["additionalProperties"] = false
  return copy
}
