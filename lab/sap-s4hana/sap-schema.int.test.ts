import type { ValidateFunction } from "ajv"
import { Ajv } from "ajv"
import { existsSync, readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createEstate } from "../estate/estate.ts"
import type { Simulator } from "../simulator.ts"
import { consumerAccount, demoCompany } from "./demo-company.ts"
import { sapDefaults, startSap } from "./sap-s4hana.ts"

const folder = "../shared/schemas/sap-s4hana/openapi"
const hasFiles = existsSync(`${folder}/API_SALES_ORDER_SRV.json`)
if (!hasFiles) console.log(`skipped: ${folder} is not here, so answers are not held against the vendor's OpenAPI`)

type Schema = Record<string, unknown>

/** The vendor's component schema, made strict: unknown properties are errors, metadata and deferred links are allowed. */
function validator(service: string, component: string): ValidateFunction {
  const document = JSON.parse(readFileSync(`${folder}/${service}.json`, "utf8")) as {
    components: { schemas: Record<string, Schema> }
  }
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  const schemas = Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, schema]) => [name, asJsonSchema(schema)]),
  )
  ajv.addSchema({ $id: "openapi", components: { schemas } })
  return ajv.compile({ $ref: `openapi#/components/schemas/${component}` })
}

function asJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asJsonSchema)
  if (typeof schema !== "object" || schema === null) return schema
  const copy: Schema = {}
  for (const [key, value] of Object.entries(schema)) {
    // multipleOf and bounds are given for decimals that travel as text.
    if (!["multipleOf", "minimum", "maximum", "example"].includes(key)) copy[key] = asJsonSchema(value)
  }
  if (copy["nullable"] === true && copy["type"] === undefined) {
    delete copy["nullable"]
    return { anyOf: [{ type: "null" }, copy] }
  }
  if (copy["type"] === "object" && typeof copy["properties"] === "object") {
    const isEntity = Object.keys(copy["properties"] as Schema).length > 2
    copy["properties"] = { ...(copy["properties"] as Schema), __metadata: {}, __deferred: {} }
    if (isEntity) copy["additionalProperties"] = false
  }
  return copy
}

describe.skipIf(!hasFiles)("against the vendor's OpenAPI", () => {
  let sap: Simulator
  let session: Record<string, string>
  const authorization = `Basic ${Buffer.from(`${sapDefaults.user}:${sapDefaults.password}`).toString("base64")}`
  const root = "/sap/opu/odata/sap"

  async function call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(sap.url + root + path, {
      method,
      headers: { authorization, ...session },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  beforeAll(async () => {
    sap = await startSap({ seed: 7, oddShare: 0, ...demoCompany(createEstate({ seed: 7, skuCount: 20 })) })
    const response = await fetch(`${sap.url}${root}/API_SALES_ORDER_SRV/`, {
      headers: { authorization, "x-csrf-token": "Fetch" },
    })
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ")
    session = { "x-csrf-token": response.headers.get("x-csrf-token") ?? "", cookie }
  })
  afterAll(() => sap.stop())

  const price = {
    PricingProcedureStep: "10",
    PricingProcedureCounter: "1",
    ConditionType: "PPR0",
    ConditionRateValue: "19.990000000",
    ConditionCurrency: "EUR",
  }
  const item = {
    SalesOrderItem: "10",
    Material: "SKU-00000",
    RequestedQuantity: "2",
    ProductionPlant: "W001",
    to_PricingElement: { results: [price] },
  }
  const order = {
    SalesOrder: "",
    SalesOrderType: "OR",
    SalesOrganization: "1010",
    DistributionChannel: "10",
    OrganizationDivision: "00",
    SoldToParty: consumerAccount,
    PurchaseOrderByCustomer: "SHOP-1",
    to_Partner: { results: [{ PartnerFunction: "SH", Customer: consumerAccount }] },
    to_Text: { results: [{ Language: "EN", LongTextID: "TX01", LongText: "Hello" }] },
    to_Item: { results: [item] },
  }

  function expectValid(check: ValidateFunction, value: unknown): void {
    check(value)
    expect(check.errors ?? []).toEqual([])
  }

  test("a sales order the vendor's schema accepts is created and answered in the vendor's shape", async () => {
    expectValid(validator("API_SALES_ORDER_SRV", "CreateA_SalesOrder"), order)
    const created = await call("POST", "/API_SALES_ORDER_SRV/A_SalesOrder", order)
    expect(created.status).toBe(201)
    const check = validator("API_SALES_ORDER_SRV", "A_SalesOrder")
    expectValid(check, created.body["d"])
    const found = await call(
      "GET",
      "/API_SALES_ORDER_SRV/A_SalesOrder?$expand=to_Item,to_Item/to_PricingElement,to_Text,to_Partner",
    )
    // The collection wrapper is {d: {results}} by the same document.
    for (const row of (found.body["d"] as { results: unknown[] }).results) expectValid(check, row)
    check({ ...(created.body["d"] as object), NoSuchField: 1 })
    expect(check.errors).toHaveLength(1)
  })

  test("deliveries and stock have the vendor's shape", async () => {
    const row = {
      DeliveryDocument: "",
      ReferenceSDDocument: "1",
      ReferenceSDDocumentItem: "10",
      ActualDeliveryQuantity: "1",
    }
    const header = { to_DeliveryDocumentItem: { results: [row] } }
    expectValid(validator("API_OUTBOUND_DELIVERY_SRV_0002", "CreateA_OutbDeliveryHeader"), header)
    const created = await call("POST", "/API_OUTBOUND_DELIVERY_SRV;v=0002/A_OutbDeliveryHeader", header)
    expect(created.status).toBe(201)
    expectValid(validator("API_OUTBOUND_DELIVERY_SRV_0002", "A_OutbDeliveryHeader"), created.body["d"])
    const stock = await call("GET", "/API_MATERIAL_STOCK_SRV/A_MaterialStock('SKU-00000')?$expand=to_MatlStkInAcctMod")
    expectValid(validator("API_MATERIAL_STOCK_SRV", "A_MaterialStock"), stock.body["d"])
  })

  test("a refusal has the vendor's error envelope", async () => {
    const refused = await call("POST", "/API_SALES_ORDER_SRV/A_SalesOrder", { ...order, SoldToParty: "4711" })
    expect(refused.status).toBe(400)
    expectValid(validator("API_SALES_ORDER_SRV", "error"), refused.body)
  })
})
