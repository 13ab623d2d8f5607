import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { Simulator } from "../simulator.ts"
import type { MasterData } from "./company.ts"
import { sapDefaults, startSap } from "./sap-s4hana.ts"

const master: MasterData = {
  materials: new Map([
    ["SKU-1", { unit: "EA" }],
    ["SKU-2", { unit: "KG" }],
  ]),
  customers: new Set(["10100001"]),
  plants: ["1010", "1020"],
  salesOrganization: "1010",
  distributionChannel: "10",
  division: "00",
  companyCode: "1010",
  currency: "EUR",
  glAccounts: new Set(["41000000", "11001000"]),
  openFrom: "2026-10-01",
}
const stock = [{ material: "SKU-1", plant: "1010", quantityMilli: 10_000 }]
const authorization = `Basic ${Buffer.from(`${sapDefaults.user}:${sapDefaults.password}`).toString("base64")}`
const root = "/sap/opu/odata/sap"
const sales = `${root}/API_SALES_ORDER_SRV`
const deliveries = `${root}/API_OUTBOUND_DELIVERY_SRV;v=0002`

let sap: Simulator
beforeAll(async () => {
  sap = await startSap({ seed: 7, master, stock })
})
beforeEach(() => {
  sap.setFaults({})
  sap.reset()
})
afterAll(() => sap.stop())

type Reply = { status: number; body: Record<string, any>; headers: Headers } // oxlint-disable-line typescript/no-explicit-any -- test reads deep JSON

async function call(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const response = await fetch(sap.url + path, {
    method,
    headers: { authorization, "content-type": "application/json", ...options.headers },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text.startsWith("{") ? JSON.parse(text) : { text },
    headers: response.headers,
  }
}

async function token(): Promise<Record<string, string>> {
  const { headers } = await call("GET", `${sales}/`, { headers: { "x-csrf-token": "Fetch" } })
  const cookie = headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ")
  return { "x-csrf-token": headers.get("x-csrf-token") ?? "", cookie }
}

function order(reference = "SHOP-1001", material = "SKU-1", quantity = "3"): Record<string, unknown> {
  return {
    SalesOrderType: "OR",
    SalesOrganization: "1010",
    DistributionChannel: "10",
    OrganizationDivision: "00",
    SoldToParty: "0010100001",
    PurchaseOrderByCustomer: reference,
    TransactionCurrency: "EUR",
    to_PricingElement: { results: [{ ConditionType: "YBHD", ConditionRateValue: "4.95", ConditionCurrency: "EUR" }] },
    to_Text: { results: [{ Language: "EN", LongTextID: "TX01", LongText: "Ring twice" }] },
    to_Item: {
      results: [
        {
          Material: material,
          RequestedQuantity: quantity,
          ProductionPlant: "1010",
          to_PricingElement: {
            results: [
              { ConditionType: "PPR0", ConditionRateValue: "19.99", ConditionCurrency: "EUR", ConditionQuantity: "1" },
              { ConditionType: "DRV1", ConditionRateValue: "-1.00", ConditionCalculationType: "B" },
              { ConditionType: "TTX1", ConditionRateValue: "10.23", ConditionCalculationType: "B" },
            ],
          },
        },
      ],
    },
  }
}

async function create(body: unknown = order()): Promise<Reply> {
  return call("POST", `${sales}/A_SalesOrder`, { body, headers: await token() })
}

describe("sessions", () => {
  test("without credentials nothing is answered", async () => {
    const answer = await call("GET", `${sales}/A_SalesOrder`, { headers: { authorization: "Basic eDp5" } })
    expect(answer.status).toBe(401)
  })

  test("a write needs the token and the cookie of the same session", async () => {
    const mine = await token()
    const other = await token()
    const attempt = (headers: Record<string, string>): Promise<Reply> =>
      call("POST", `${sales}/A_SalesOrder`, { body: order(), headers })
    for (const headers of [{}, { cookie: mine["cookie"] ?? "" }, { ...mine, cookie: other["cookie"] ?? "" }]) {
      const refused = await attempt(headers)
      expect(refused.status).toBe(403)
      expect(refused.headers.get("x-csrf-token")).toBe("Required")
    }
    expect((await attempt(mine)).status).toBe(201)
  })

  test("an expired session is refused until the token is fetched again", async () => {
    const mine = await token()
    await fetch(`${sap.url}/__lab/expire-sessions`, { method: "POST" })
    const refused = await call("POST", `${sales}/A_SalesOrder`, { body: order(), headers: mine })
    expect(refused.status).toBe(403)
    expect((await create()).status).toBe(201)
  })
})

describe("sales orders", () => {
  test("an order is created with its parts and found by the customer's reference", async () => {
    const created = await create()
    expect(created.status).toBe(201)
    expect(created.body["d"]).toMatchObject({
      SoldToParty: "10100001",
      TotalNetAmount: "63.92",
      TransactionCurrency: "EUR",
    })
    const filter = encodeURIComponent("PurchaseOrderByCustomer eq 'SHOP-1001'")
    const found = await call("GET", `${sales}/A_SalesOrder?$filter=${filter}&$expand=to_Item`)
    expect(found.body["d"].results).toHaveLength(1)
    const [item] = found.body["d"].results[0].to_Item.results
    expect(item).toMatchObject({ SalesOrderItem: "10", RequestedQuantity: "3", NetAmount: "58.97", TaxAmount: "10.23" })
    expect(found.body["d"].results[0].to_Text.__deferred.uri).toContain("to_Text")
  })

  test("the same reference twice makes two orders", async () => {
    await create()
    await create()
    expect(sap.books()["orders"]).toHaveLength(2)
  })

  test.each([
    ["unknown material", order("A", "REJECT-ERP-1"), "V1/382"],
    ["unknown customer", { ...order(), SoldToParty: "99" }, "V1/384"],
    ["reference over 35 characters", order("x".repeat(36)), "005056A509B11EE1B9A8FEC11C21D78E"],
    ["quantity of zero", order("A", "SKU-1", "0"), "V1/394"],
  ])("an order with %s is refused with SAP's error", async (_name, body, code) => {
    const refused = await create(body)
    expect(refused.status).toBe(400)
    expect(refused.body["error"].code).toBe(code)
    expect(typeof refused.body["error"].message.value).toBe("string")
    expect(sap.books()["orders"]).toHaveLength(0)
  })

  test("an item is changed only with the current ETag", async () => {
    const { body, headers } = await create()
    const { SalesOrder } = body["d"]
    const path = `${sales}/A_SalesOrderItem(SalesOrder='${SalesOrder}',SalesOrderItem='10')`
    const change = (extra: Record<string, string>, fields: unknown): Promise<Reply> =>
      token().then((session) => call("PATCH", path, { body: fields, headers: { ...session, ...extra } }))
    expect((await change({}, { RequestedQuantity: "2" })).status).toBe(428)
    const etag = headers.get("etag") ?? ""
    expect((await change({ "if-match": etag }, { RequestedQuantity: "2" })).status).toBe(204)
    expect((await change({ "if-match": etag }, { RequestedQuantity: "1" })).status).toBe(412)
    const current = (await call("GET", path)).headers.get("etag") ?? ""
    expect((await change({ "if-match": current }, { d: { SalesDocumentRjcnReason: "00" } })).status).toBe(204)
    const after = await call("GET", `${sales}/A_SalesOrder('${SalesOrder}')`)
    expect(after.body["d"]).toMatchObject({ TotalNetAmount: "4.95", OverallSDDocumentRejectionSts: "C" })
  })
})

describe("deliveries", () => {
  async function deliver(salesOrder: string, quantity?: string): Promise<Reply> {
    const row = {
      ReferenceSDDocument: salesOrder,
      ReferenceSDDocumentItem: "10",
      ...(quantity ? { ActualDeliveryQuantity: quantity } : {}),
    }
    const body = { DeliveryDocumentBySupplier: "SHIP-1", to_DeliveryDocumentItem: { results: [row] } }
    return call("POST", `${deliveries}/A_OutbDeliveryHeader`, { body, headers: await token() })
  }

  test("a partial delivery leaves the rest open and cannot take more than that", async () => {
    const { SalesOrder } = (await create()).body["d"]
    expect((await deliver(SalesOrder, "2")).status).toBe(201)
    expect((await deliver(SalesOrder, "2")).status).toBe(400)
    expect((await deliver(SalesOrder)).body["d"].to_DeliveryDocumentItem.results[0].ActualDeliveryQuantity).toBe("1")
    const header = await call("GET", `${sales}/A_SalesOrder('${SalesOrder}')`)
    expect(header.body["d"].OverallDeliveryStatus).toBe("C")
  })

  test("goods issue needs picking, moves stock once, and can be reversed", async () => {
    const { SalesOrder } = (await create()).body["d"]
    const { DeliveryDocument } = (await deliver(SalesOrder)).body["d"]
    const post = async (name: string, extra = ""): Promise<Reply> =>
      call("POST", `${deliveries}/${name}?DeliveryDocument='${DeliveryDocument}'${extra}`, { headers: await token() })
    const onHand = async (): Promise<string> => {
      const filter = encodeURIComponent("Material eq 'SKU-1' and Plant eq '1010'")
      const answer = await call("GET", `${root}/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod?$filter=${filter}`)
      return answer.body["d"].results[0].MatlWrhsStkQtyInMatlBaseUnit
    }
    expect((await post("PostGoodsIssue")).status).toBe(400)
    expect((await post("PickAllItems")).status).toBe(200)
    expect((await post("PostGoodsIssue")).status).toBe(200)
    expect((await post("PostGoodsIssue")).status).toBe(400)
    expect(await onHand()).toBe("7.000")
    expect((await post("ReverseGoodsIssue", "&ActualGoodsMovementDate=datetime'2026-11-20T00:00'")).status).toBe(200)
    expect(await onHand()).toBe("10.000")
  })

  test("a delivery is found by our reference and by its sales order, and blocks deleting the order", async () => {
    const { SalesOrder, __metadata } = (await create()).body["d"]
    expect(__metadata.etag).toMatch(/^W\//)
    await deliver(SalesOrder)
    const search = async (set: string, filter: string): Promise<unknown[]> =>
      (await call("GET", `${deliveries}/${set}?$filter=${encodeURIComponent(filter)}`)).body["d"].results
    expect(await search("A_OutbDeliveryHeader", "DeliveryDocumentBySupplier eq 'SHIP-1'")).toHaveLength(1)
    expect(await search("A_OutbDeliveryItem", `ReferenceSDDocument eq '${SalesOrder}'`)).toHaveLength(1)
    const path = `${sales}/A_SalesOrder('${SalesOrder}')`
    const refused = await call("DELETE", path, { headers: { ...(await token()), "if-match": "*" } })
    expect(refused.body["error"].code).toBe("V1/041")
  })
})

describe("journal entries", () => {
  type Line = [account: string, amount: string]
  async function post(lines: Line[], changes: Record<string, string> = {}): Promise<string> {
    const entry = { CompanyCode: "1010", PostingDate: "2026-11-20", DocumentReferenceID: "ORD-1", ...changes }
    const header = Object.entries(entry)
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join("")
    const items = lines.map(
      ([account, amount]) =>
        `<Item><GLAccount>${account}</GLAccount><AmountInTransactionCurrency currencyCode="EUR">${amount}</AmountInTransactionCurrency></Item>`,
    )
    const body = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sfin="http://sap.com/xi/SAPSCORE/SFIN"><soapenv:Body><sfin:JournalEntryBulkCreateRequest><MessageHeader><ID>M1</ID></MessageHeader><JournalEntryCreateRequest><MessageHeader><ID>M1-1</ID></MessageHeader><JournalEntry><AccountingDocumentType>SA</AccountingDocumentType><DocumentDate>2026-11-20</DocumentDate>${header}${items.join("")}</JournalEntry></JournalEntryCreateRequest></sfin:JournalEntryBulkCreateRequest></soapenv:Body></soapenv:Envelope>`
    const response = await fetch(`${sap.url}/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi`, {
      method: "POST",
      headers: { authorization, "content-type": "text/xml" },
      body,
    })
    expect(response.status).toBe(200)
    return response.text()
  }
  const balanced: Line[] = [
    ["0011001000", "12.34"],
    ["41000000", "-12.34"],
  ]

  test("a balanced entry is posted and found by its reference", async () => {
    expect(await post(balanced)).toContain("<TypeID>605(RW)</TypeID>")
    const filter = encodeURIComponent("DocumentReferenceID eq 'ORD-1'")
    const found = await call("GET", `${root}/API_JOURNALENTRYITEMBASIC_SRV/A_JournalEntryItemBasic?$filter=${filter}`)
    expect(found.body["d"].results.map((row: Record<string, string>) => row["AmountInTransactionCurrency"])).toEqual([
      "12.34",
      "-12.34",
    ])
  })

  test.each([
    [
      "unbalanced",
      [
        ["11001000", "12.34"],
        ["41000000", "-12.33"],
      ],
      {},
      "702(F5)",
    ],
    [
      "to an unknown account",
      [
        ["99", "1.00"],
        ["41000000", "-1.00"],
      ],
      {},
      "344(F5)",
    ],
    ["in an unknown company", balanced, { CompanyCode: "9999" }, "165(F5)"],
    ["in a closed period", balanced, { PostingDate: "2026-09-30" }, "201(F5)"],
  ] as [string, Line[], Record<string, string>, string][])(
    "an entry %s is refused in the log with HTTP 200",
    async (...[, lines, changes, typeId]) => {
      const answer = await post(lines, changes)
      expect(answer).toContain(`<TypeID>${typeId}</TypeID>`)
      expect(answer).toContain("<MaximumLogItemSeverityCode>3<")
      expect(answer).toContain("<AccountingDocument>0000000000<")
      expect(sap.books()["journals"]).toHaveLength(0)
    },
  )
})

describe("faults", () => {
  test("a lost answer leaves the order in the books", async () => {
    sap.setFaults({ operations: { createSalesOrder: { commitThenReset: 1 } } })
    await expect(create()).rejects.toThrow()
    expect(sap.books()["orders"]).toHaveLength(1)
    sap.setFaults({ operations: { createSalesOrder: { resetBeforeCommit: 1 } } })
    await expect(create(order("SHOP-1002"))).rejects.toThrow()
    expect(sap.books()["orders"]).toHaveLength(1)
  })

  test("a reference can ask for the fault", async () => {
    const body = order("lab:commit-then-5xx")
    expect((await create(body)).status).toBe(503)
    expect((await create(body)).status).toBe(201)
    expect(sap.books()["orders"]).toHaveLength(2)
  })
})
