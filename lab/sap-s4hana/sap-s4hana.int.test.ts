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
  glAccounts: new Set(["41000000", "11001000", "22000000"]),
  taxCodes: new Map([["A1", "22000000"]]),
  orderTypes: new Map([["OR", { isBilled: true }]]),
  copiedConditions: new Set(["YCPY"]),
  openFrom: "2026-10-01",
}
const stock = [{ material: "SKU-1", plant: "1010", quantityMilli: 10_000 }]
const authorization = `Basic ${Buffer.from(`${sapDefaults.user}:${sapDefaults.password}`).toString("base64")}`
const root = "/sap/opu/odata/sap"
const sales = `${root}/API_SALES_ORDER_SRV`
const deliveries = `${root}/API_OUTBOUND_DELIVERY_SRV;v=0002`

let sap: Simulator
beforeAll(async () => {
  sap = await startSap({ seed: 7, oddShare: 0, master, stock })
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
              { ConditionType: "DRV1", ConditionRateValue: "-1.00", ConditionQuantity: "3" },
              { ConditionType: "TTX1", ConditionRateValue: "10.23", ConditionQuantity: "3" },
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
    expect(item).toMatchObject({ SalesOrderItem: "10", RequestedQuantity: "3", NetAmount: "63.92", TaxAmount: "10.23" })
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

  test("P-46: only the order has an ETag, and an item is changed only with it", async () => {
    const { body } = await create()
    const { SalesOrder, __metadata, to_Item } = body["d"]
    expect(__metadata.etag).toMatch(/^W\/"datetimeoffset'/)
    expect(to_Item.results[0].__metadata.etag).toBeUndefined()
    const path = `${sales}/A_SalesOrderItem(SalesOrder='${SalesOrder}',SalesOrderItem='10')`
    expect((await call("GET", path)).headers.get("etag")).toBeNull()
    const change = (extra: Record<string, string>, fields: unknown): Promise<Reply> =>
      token().then((session) => call("PATCH", path, { body: fields, headers: { ...session, ...extra } }))
    expect((await change({}, { RequestedQuantity: "2" })).status).toBe(428)
    expect((await change({ "if-match": __metadata.etag }, { RequestedQuantity: "2" })).status).toBe(204)
    expect((await change({ "if-match": __metadata.etag }, { RequestedQuantity: "1" })).status).toBe(412)
    const header = `${sales}/A_SalesOrder('${SalesOrder}')`
    const current = (await call("GET", header)).headers.get("etag") ?? ""
    expect((await change({ "if-match": current }, { NetAmount: "1.00" })).status).toBe(400)
    expect((await change({ "if-match": current }, { d: { SalesDocumentRjcnReason: "00" } })).status).toBe(204)
    const after = await call("GET", header)
    expect(after.body["d"]).toMatchObject({ TotalNetAmount: "0.00", OverallSDDocumentRejectionSts: "C" })
  })

  test("P-46: a group condition of the header is shared out over the items, any other is copied to each", async () => {
    const [item] = (order()["to_Item"] as { results: object[] }).results
    const of = async (type: string) => {
      const header = [{ ConditionType: type, ConditionRateValue: "4.95", ConditionCurrency: "EUR" }]
      const body = { ...order(), to_Item: { results: [item, item] }, to_PricingElement: { results: header } }
      const { TotalNetAmount, to_Item } = (await create(body)).body["d"]
      return [TotalNetAmount, ...to_Item.results.map((row: { NetAmount: string }) => row.NetAmount)]
    }
    expect(await of("YBHD")).toEqual(["122.89", "61.45", "61.44"])
    expect(await of("YCPY")).toEqual(["127.84", "63.92", "63.92"])
  })

  test("P-46: a material comes back in upper case and without leading zeros", async () => {
    const { to_Item } = (await create(order("A", "sku-1"))).body["d"]
    expect(to_Item.results[0].Material).toBe("SKU-1")
  })

  test.each([
    ["an unknown field", { NoSuchField: "1" }],
    ["a total", { TotalNetAmount: "1.00" }],
  ])("P-46: an order is not created with %s", async (_name, more) => {
    expect((await create({ ...order(), ...more })).status).toBe(400)
  })
})

describe("deliveries", () => {
  async function deliver(salesOrder: string, quantity?: string, more: object = {}): Promise<Reply> {
    const row = {
      ReferenceSDDocument: salesOrder,
      ReferenceSDDocumentItem: "10",
      ...(quantity ? { ActualDeliveryQuantity: quantity } : {}),
    }
    const body = { ...more, to_DeliveryDocumentItem: { results: [row] } }
    return call("POST", `${deliveries}/A_OutbDeliveryHeader`, { body, headers: await token() })
  }
  const header = (number: string) => `${deliveries}/A_OutbDeliveryHeader('${number}')`
  const etagOf = async (number: string): Promise<string> =>
    (await call("GET", header(number))).headers.get("etag") ?? ""
  async function change(number: string, body: object, etag?: string): Promise<Reply> {
    const match = { "if-match": etag ?? (await etagOf(number)) }
    return call("PATCH", header(number), { body, headers: { ...(await token()), ...match } })
  }
  async function post(name: string, number: string, { extra = "", etag }: { extra?: string; etag?: string } = {}) {
    const match = { "if-match": etag ?? (await etagOf(number)) }
    const path = `${deliveries}/${name}?DeliveryDocument='${number}'${extra}`
    return call("POST", path, { headers: { ...(await token()), ...match } })
  }

  test("a partial delivery leaves the rest open and cannot take more than that", async () => {
    const { SalesOrder } = (await create()).body["d"]
    expect((await deliver(SalesOrder, "2")).status).toBe(201)
    expect((await deliver(SalesOrder, "2")).body["error"].code).toBe("VL/363")
    expect((await deliver(SalesOrder)).body["d"].to_DeliveryDocumentItem.results[0].ActualDeliveryQuantity).toBe("1")
    const header = await call("GET", `${sales}/A_SalesOrder('${SalesOrder}')`)
    expect(header.body["d"].OverallDeliveryStatus).toBe("C")
  })

  test("P-46: a delivery is created without our reference and takes it by a change; no filter finds it by that", async () => {
    const { SalesOrder } = (await create()).body["d"]
    expect((await deliver(SalesOrder, "1", { DeliveryDocumentBySupplier: "SHIP-1" })).status).toBe(400)
    const { DeliveryDocument } = (await deliver(SalesOrder, "1")).body["d"]
    expect((await change(DeliveryDocument, { DeliveryDocumentBySupplier: "SHIP-1" })).status).toBe(204)
    expect((await change(DeliveryDocument, { ShippingPoint: "1020" })).status).toBe(400)
    expect((await call("GET", header(DeliveryDocument))).body["d"].DeliveryDocumentBySupplier).toBe("SHIP-1")
    const search = (set: string, filter: string): Promise<Reply> =>
      call("GET", `${deliveries}/${set}?$filter=${encodeURIComponent(filter)}`)
    expect((await search("A_OutbDeliveryHeader", "DeliveryDocumentBySupplier eq 'SHIP-1'")).status).toBe(400)
    const found = await search("A_OutbDeliveryItem", `ReferenceSDDocument eq '${SalesOrder}'`)
    expect(found.body["d"].results).toHaveLength(1)
  })

  test("P-46: picking and goods issue need the delivery's current ETag, and answer with a collection of messages", async () => {
    const { SalesOrder } = (await create()).body["d"]
    const { DeliveryDocument, __metadata } = (await deliver(SalesOrder)).body["d"]
    expect(__metadata.etag).toBe(`W/"'0001'"`)
    const bare = `${deliveries}/PickAllItems?DeliveryDocument='${DeliveryDocument}'`
    expect((await call("POST", bare, { headers: await token() })).status).toBe(428)
    const picked = await post("PickAllItems", DeliveryDocument, { etag: __metadata.etag })
    expect(picked.body["d"].results).toMatchObject([{ DeliveryDocument, SystemMessageType: "S" }])
    expect((await post("PostGoodsIssue", DeliveryDocument, { etag: __metadata.etag })).status).toBe(412)
    expect((await post("PostGoodsIssue", DeliveryDocument)).status).toBe(200)
  })

  test("goods issue needs picking, moves stock once, and can be reversed", async () => {
    const { SalesOrder } = (await create()).body["d"]
    const { DeliveryDocument } = (await deliver(SalesOrder)).body["d"]
    const onHand = async (): Promise<string> => {
      const filter = encodeURIComponent("Material eq 'SKU-1' and Plant eq '1010'")
      const answer = await call("GET", `${root}/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod?$filter=${filter}`)
      return answer.body["d"].results[0].MatlWrhsStkQtyInMatlBaseUnit
    }
    expect((await post("PostGoodsIssue", DeliveryDocument)).status).toBe(400)
    expect((await post("PickAllItems", DeliveryDocument)).status).toBe(200)
    expect((await post("PostGoodsIssue", DeliveryDocument)).status).toBe(200)
    expect((await post("PostGoodsIssue", DeliveryDocument)).status).toBe(400)
    expect(await onHand()).toBe("7.000")
    const extra = "&ActualGoodsMovementDate=datetime'2026-11-20T00:00'"
    expect((await post("ReverseGoodsIssue", DeliveryDocument, { extra })).status).toBe(200)
    expect(await onHand()).toBe("10.000")
  })

  test("P-44: goods issue on a date of a closed period is refused", async () => {
    const { SalesOrder } = (await create()).body["d"]
    const { DeliveryDocument } = (await deliver(SalesOrder)).body["d"]
    await post("PickAllItems", DeliveryDocument)
    await change(DeliveryDocument, { ActualGoodsMovementDate: `/Date(${Date.parse("2026-09-30")})/` })
    expect((await post("PostGoodsIssue", DeliveryDocument)).body["error"].code).toBe("M7/053")
    await change(DeliveryDocument, { ActualGoodsMovementDate: `/Date(${Date.parse("2026-10-01")})/` })
    expect((await post("PostGoodsIssue", DeliveryDocument)).status).toBe(200)
  })

  test("a delivery blocks deleting its order", async () => {
    const { SalesOrder } = (await create()).body["d"]
    await deliver(SalesOrder)
    const path = `${sales}/A_SalesOrder('${SalesOrder}')`
    const refused = await call("DELETE", path, { headers: { ...(await token()), "if-match": "*" } })
    expect(refused.body["error"].code).toBe("V1/041")
  })
})

describe("journal entries", () => {
  type Line = [account: string, amount: string]
  const action =
    "http://sap.com/xi/SAPSCORE/SFIN/JournalEntryCreateRequestConfirmation_In/JournalEntryCreateRequestConfirmation_InRequest"
  const taxItem = (code: string, amount: string, base: string): string =>
    `<ProductTaxItem><TaxCode>${code}</TaxCode><AmountInTransactionCurrency currencyCode="EUR">${amount}</AmountInTransactionCurrency>${base === "" ? "" : `<TaxBaseAmountInTransCrcy currencyCode="EUR">${base}</TaxBaseAmountInTransCrcy>`}</ProductTaxItem>`
  async function post(
    lines: Line[],
    changes: Record<string, string> = {},
    { more = "", soapaction = action, status = 200 } = {},
  ): Promise<string> {
    const entry = {
      DocumentReferenceID: "ord-1",
      CompanyCode: "1010",
      DocumentDate: "2026-11-20",
      PostingDate: "2026-11-20",
      ...changes,
    }
    const header = Object.entries(entry)
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join("")
    const items = lines.map(
      ([account, amount]) =>
        `<Item><GLAccount>${account}</GLAccount><AmountInTransactionCurrency currencyCode="EUR">${amount}</AmountInTransactionCurrency></Item>`,
    )
    const body = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sfin="http://sap.com/xi/SAPSCORE/SFIN"><soapenv:Body><sfin:JournalEntryBulkCreateRequest><MessageHeader><ID>M1</ID></MessageHeader><JournalEntryCreateRequest><MessageHeader><ID>M1-1</ID></MessageHeader><JournalEntry><AccountingDocumentType>SA</AccountingDocumentType>${header}${items.join("")}${more}</JournalEntry></JournalEntryCreateRequest></sfin:JournalEntryBulkCreateRequest></soapenv:Body></soapenv:Envelope>`
    const response = await fetch(`${sap.url}/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi`, {
      method: "POST",
      headers: { authorization, "content-type": "text/xml", soapaction: `"${soapaction}"` },
      body,
    })
    expect(response.status).toBe(status)
    return response.text()
  }
  const balanced: Line[] = [
    ["0011001000", "12.34"],
    ["41000000", "-12.34"],
  ]

  test("P-46: a balanced entry is found by its reference, which is kept in upper case, and only in the item cube", async () => {
    expect(await post(balanced)).toContain("<TypeID>605(RW)</TypeID>")
    const search = (set: string, reference: string): Promise<Reply> =>
      call("GET", `${root}/${set}?$filter=${encodeURIComponent(`DocumentReferenceID eq '${reference}'`)}`)
    const cube = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
    const found = await search(cube, "ORD-1")
    expect(found.body["d"].results.map((row: Record<string, string>) => row["AmountInTransactionCurrency"])).toEqual([
      "12.34",
      "-12.34",
    ])
    expect((await search(cube, "ord-1")).body["d"].results).toEqual([])
    const basic = "API_JOURNALENTRYITEMBASIC_SRV/A_JournalEntryItemBasic"
    expect((await search(basic, "ORD-1")).status).toBe(400)
    expect((await call("GET", `${root}/${basic}?$select=CompanyCode,AccountingDocument`)).status).toBe(400)
    expect((await call("GET", `${root}/${basic}?$select=CompanyCode,GLAccount`)).status).toBe(200)
  })

  test("P-46: tax is posted by a tax item with code and base; the tax account itself takes nothing", async () => {
    const sold: Line[] = [
      ["11001000", "12.10"],
      ["41000000", "-10.00"],
    ]
    const more = taxItem("A1", "-2.10", "-10.00")
    expect(await post(sold, {}, { more })).toContain("605(RW)")
    expect(await post([...sold, ["22000000", "-2.10"]])).toContain("747(FF)")
    expect(await post(sold, {}, { more: taxItem("Z9", "-2.10", "-10.00") })).toContain("753(FF)")
    expect(await post(sold, {}, { more: taxItem("A1", "-2.10", "") })).toContain("805(FF)")
  })

  test("P-46: a call without its SOAPAction, or with elements out of order, is a fault", async () => {
    expect(await post(balanced, {}, { soapaction: "", status: 500 })).toContain("Fault")
    const more = "<Item><GLAccount>41000000</GLAccount></Item>"
    expect(
      await post(balanced, {}, { more: `${taxItem("A1", "0", "0")}<DocumentHeaderText/>${more}`, status: 500 }),
    ).toContain("Fault")
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

describe("odd answers", () => {
  test("P-46: a tenant's answers may have null for empty, fields and statuses of its own, and errors in the form of V4", async () => {
    const odd = await startSap({ seed: 7, oddShare: 1, master, stock })
    try {
      const at = async (path: string, headers = {}): Promise<Reply> => {
        const response = await fetch(odd.url + path, { headers: { authorization, ...headers } })
        return { status: response.status, body: JSON.parse(await response.text()), headers: response.headers }
      }
      const { headers } = await at(`${sales}/`, { "x-csrf-token": "Fetch" })
      const cookie = headers.getSetCookie().map((line) => line.split(";")[0])
      const session = { "x-csrf-token": headers.get("x-csrf-token") ?? "", cookie: cookie.join("; ") }
      const body = JSON.stringify(order())
      await fetch(`${odd.url}${sales}/A_SalesOrder`, { method: "POST", headers: { authorization, ...session }, body })
      const [found] = (await at(`${sales}/A_SalesOrder?$expand=to_Item`)).body["d"].results
      expect(found).toMatchObject({ AssignmentReference: null, TotalCreditCheckStatus: "#", YY1_Priority_SDI: null })
      expect(found.to_Item.results[0]).toMatchObject({ SalesDocumentRjcnReason: null, StorageLocation: null })
      const refused = await at(`${sales}/A_SalesOrder('9')`)
      expect(refused.body["error"]).toMatchObject({
        message: "Resource not found for segment 'A_SalesOrder'",
        details: [{}],
      })
    } finally {
      await odd.stop()
    }
  })
})
