import { describe, expect, test } from "vitest"
import { readDelivery, readSalesOrder } from "./payloads.ts"

const version = `W/"datetimeoffset'2026-11-20T10%3A00%3A00.0000000Z'"`

/** A sales order as a system answers it: only the header has an ETag. Our own data in the vendor's shape. */
function orderRow(changes: object = {}, item: object = {}): object {
  const key = "A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10')"
  return {
    __metadata: {
      uri: "https://erp.example/A_SalesOrder('4711')",
      type: "API_SALES_ORDER_SRV.A_SalesOrderType",
      etag: version,
    },
    SalesOrder: "4711",
    TransactionCurrency: "EUR",
    OverallSDDocumentRejectionSts: "A",
    TotalNetAmount: "20.00",
    to_Item: {
      results: [
        {
          __metadata: { uri: `https://erp.example/${key}`, type: "API_SALES_ORDER_SRV.A_SalesOrderItemType" },
          SalesOrder: "4711",
          SalesOrderItem: "10",
          Material: "ART-1",
          PurchaseOrderByCustomer: "7001",
          RequestedQuantity: "1",
          ProductionPlant: "1010",
          SalesDocumentRjcnReason: "",
          NetAmount: "20.00",
          TaxAmount: "4.20",
          ...item,
        },
      ],
    },
    ...changes,
  }
}

const nothing = (names: string[]) => Object.fromEntries(names.map((name) => [name, null]))

describe("a sales order", () => {
  test("P-46: items without an ETag are read; the order's is the version of them all", () => {
    const order = readSalesOrder(orderRow())
    expect(order).toMatchObject({ number: "4711", etag: version, isRejected: false })
    expect(order.items).toMatchObject([{ item: "10", material: "ART-1", lineReference: "7001", isRejected: false }])
  })

  test("P-46: the total is the header's net and the items' tax, without rejected items", () => {
    expect(readSalesOrder(orderRow()).total).toEqual({ amountMinor: 2420, currency: "EUR" })
    const rejected = orderRow({ TotalNetAmount: "0.00" }, { SalesDocumentRjcnReason: "61" })
    expect(readSalesOrder(rejected)).toMatchObject({ isRejected: true, total: { amountMinor: 0, currency: "EUR" } })
  })

  test("P-46: whatever the vendor's schema leaves nullable may be null or missing", () => {
    const header = [
      "TransactionCurrency",
      "OverallSDDocumentRejectionSts",
      "TotalNetAmount",
      "OverallOrdReltdBillgStatus",
    ]
    const item = [
      "Material",
      "PurchaseOrderByCustomer",
      "RequestedQuantity",
      "ProductionPlant",
      "SalesDocumentRjcnReason",
      "NetAmount",
      "TaxAmount",
    ]
    const order = readSalesOrder(orderRow(nothing(header), nothing(item)))
    expect(order).toMatchObject({ number: "4711", isRejected: false, isBilled: false })
    expect(order.total).toBeUndefined()
    expect(order.items).toMatchObject([{ item: "10", material: "", lineReference: "", quantityText: "", plant: "" }])
  })

  test.each([
    ["nothing", null],
    ["an empty object", {}],
    ["text", "4711"],
    ["an order without items", { SalesOrder: "4711", __metadata: { etag: version } }],
    ["a number for a text", orderRow({}, { Material: 7 })],
    ["an order without a version", orderRow({ __metadata: {} })],
  ])("P-46: %s is refused by name", (_what, row) => {
    expect(() => readSalesOrder(row)).toThrow(expect.objectContaining({ code: "VENDOR_MISBEHAVED" }))
  })
})

describe("a delivery", () => {
  const row = {
    DeliveryDocument: "80000001",
    __metadata: { etag: `W/"'0001'"` },
    to_DeliveryDocumentItem: { results: [{}] },
  }

  test("P-46: only its number and its version are demanded", () => {
    expect(readDelivery(row)).toEqual({
      number: "80000001",
      etag: `W/"'0001'"`,
      label: "",
      movedOn: undefined,
      isPicked: false,
      isIssued: false,
      isBilled: false,
      items: [{ order: "", item: "", material: "", quantityText: "" }],
    })
  })

  test.each([
    ["nothing", null],
    ["an empty object", {}],
    ["text", "80000001"],
  ])("P-46: %s is refused by name", (_what, body) => {
    expect(() => readDelivery(body)).toThrow(expect.objectContaining({ code: "VENDOR_MISBEHAVED" }))
  })
})
