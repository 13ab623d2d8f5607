import { describe, expect, test } from "vitest"
import { checkBooks } from "./checker.ts"
import type { Books } from "./books/books.ts"

type Changed<Part> = {
  -readonly [Key in keyof Part]: Part[Key] extends readonly (infer Item)[]
    ? Changed<Item>[]
    : Part[Key] extends object
      ? Changed<Part[Key]>
      : Part[Key]
}

const pi = { id: "pi_1", status: "succeeded", amount: 1190, amount_received: 1190, captures: 1 }
const euros = (amount: string) => ({
  shop_money: { amount, currency_code: "EUR" },
  presentment_money: { amount, currency_code: "EUR" },
})

function shopOrder(id: number, more: Partial<Books["shop"][number]> = {}): Books["shop"][number] {
  return {
    id,
    name: `#${id}`,
    cancelled_at: null,
    currency: "EUR",
    email: "someone@shop.example",
    total_price_set: euros("11.90"),
    current_total_price_set: euros("11.90"),
    line_items: [
      { id: id * 10, sku: "A", quantity: 2, current_quantity: 2, fulfilled_quantity: 2, requires_shipping: true },
    ],
    transactions: [],
    refunds: [],
    fulfillments: [],
    ...more,
  }
}

const states = (key: string, ...names: string[]) =>
  names.map((state, n) => ({
    type: "order.state-changed",
    fact: `${key}:${n}:${state}`,
    key: `order/${key}`,
    data: { state },
  }))

/** Two correct orders: one shipped and captured, one cancelled and released. */
function cleanBooks(): Changed<Books> {
  const books: Books = {
    moved: [
      { sku: "A", locationId: "wh", milli: 3_000 },
      { sku: "A", locationId: "wh", milli: -1_000 },
      { sku: "A", locationId: "wh/damaged", milli: 1_000 },
    ],
    transfers: [{ transferId: "t-1", sku: "A", fromLocationId: "wh", toLocationId: "store", milli: 2_000 }],
    inStates: [
      { sku: "A", locationId: "wh/damaged", onHandMilli: 1_000 },
      { sku: "A", locationId: "store/in-transit", onHandMilli: 0 },
    ],
    channel: {
      channel: "shopify",
      rows: [{ sku: "A", locationId: "wh", state: "live", unseenMilli: 0, promiseMilli: 10_000, backorderMilli: 0 }],
      levels: [{ sku: "A", locationId: 1, place: "wh", available: 10, isBundle: false }],
      changes: [
        { sku: "A", locationId: 1, from: 0, to: 12, by: "app", at: "2026-11-20T10:00:00.000Z" },
        { sku: "A", locationId: 1, from: 12, to: 50, by: "staff", at: "2026-11-20T10:00:01.000Z" },
        { sku: "A", locationId: 1, from: 50, to: 10, by: "app", at: "2026-11-20T10:00:02.000Z" },
      ],
      sightings: [
        { channel: "shopify", sku: "A", locationId: "wh", version: 1, sentVersion: 1 },
        { channel: "shopify", sku: "A", locationId: "wh", version: 2, sentVersion: 1 },
      ],
      steps: [
        { sku: "A", atMs: Date.parse("2026-11-20T09:59:00.000Z"), milli: 12_000 },
        { sku: "A", atMs: Date.parse("2026-11-20T10:00:01.500Z"), milli: -2_000 },
      ],
    },
    openingStock: [{ sku: "A", locationId: "wh", onHandMilli: 10_000 }],
    kits: {},
    shop: [
      shopOrder(1, {
        transactions: [
          {
            id: 1,
            kind: "authorization",
            status: "success",
            gateway: "stripe",
            amount: "11.90",
            payment_id: "pi_1",
            parent_id: null,
          },
        ],
        fulfillments: [{ id: 1, tracking: [{ number: "T1" }], lines: [{ lineId: 10, quantity: 2 }] }],
      }),
      shopOrder(2, {
        cancelled_at: "2026-11-20T12:00:00Z",
        current_total_price_set: euros("0.00"),
        line_items: [
          { id: 20, sku: "A", quantity: 2, current_quantity: 0, fulfilled_quantity: 0, requires_shipping: true },
        ],
        transactions: [
          {
            id: 2,
            kind: "sale",
            status: "success",
            gateway: "paypal",
            amount: "11.90",
            payment_id: "x",
            parent_id: null,
          },
          {
            id: 3,
            kind: "refund",
            status: "success",
            gateway: "paypal",
            amount: "11.90",
            payment_id: "x",
            parent_id: null,
          },
        ],
      }),
    ],
    erpOrders: ["1", "2"].map((n) => ({
      SalesOrder: n,
      PurchaseOrderByCustomer: `ord_${n}`,
      TotalNetAmount: "10.00",
      TransactionCurrency: "EUR",
      to_Item: [
        {
          SalesOrderItem: "10",
          PurchaseOrderByCustomer: `${n}0`,
          Material: "A",
          RequestedQuantity: "2",
          SalesDocumentRjcnReason: n === "2" ? "50" : "",
        },
      ],
    })),
    erpDeliveries: [
      {
        DeliveryDocument: "80",
        DeliveryDocumentBySupplier: "ord_1-d1",
        BillOfLading: "T1",
        OverallGoodsMovementStatus: "C",
        to_DeliveryDocumentItem: [{ Material: "A", Plant: "W001", ActualDeliveryQuantity: "2" }],
      },
    ],
    erpJournals: [
      ["revenue", "-10.00"],
      ["tax payable", "-1.90"],
      ["payment clearing", "11.90"],
    ].map(([text = "", amount = ""]) => ({
      AccountingDocument: "100",
      DocumentReferenceID: "ORD_1-I1",
      AssignmentReference: text === "tax payable" ? "" : "ord_1",
      AccountingDocumentHeaderText: "ord_1-i1",
      AmountInTransactionCurrency: amount,
      TransactionCurrency: "EUR",
      DocumentItemText: text,
    })),
    payments: [pi],
    disputes: [] as { intentId: string; amount: number; status: string }[],
    shipmentRequests: [
      {
        requestId: "ord_1-1",
        orderId: "ord_1",
        locationId: "wh",
        status: "shipped",
        lines: [
          { lineId: "10", sku: "A", quantityMilli: 2000, shippedMilli: 2000, cancelledMilli: 0, missingMilli: 0 },
        ],
      },
    ],
    shipments: [
      {
        shipmentId: "S1",
        requestId: "ord_1-1",
        orderId: "ord_1",
        locationId: "wh",
        trackingNumber: "T1",
        lines: [{ lineId: "10", sku: "A", quantityMilli: 2000 }],
      },
    ],
    milestones: ["handed-over", "delivered"].map((milestone) => ({ milestone, shipmentId: "S1", orderId: "ord_1" })),
    mails: [
      { messageId: "<1>", recipients: ["someone@shop.example"], subject: "Your order #1 is on its way", deliveries: 1 },
    ],
    orders: ["closed", "cancelled"].map((state, n) => ({
      id: `ord_${n + 1}`,
      number: `#${n + 1}`,
      externalId: String(n + 1),
      state,
      total: { amountMinor: 1190, currency: "EUR" },
      foundVia: "webhook",
    })),
    accounts: [
      {
        orderId: "ord_1",
        isChanged: false,
        tenders: [{ tenderId: "1", reference: "pi_1", taken: { amountMinor: 1190 }, givenBack: { amountMinor: 0 } }],
        openClaims: [],
      },
    ],
    exceptions: [],
    effects: [
      {
        key: "ord_1",
        step: "book order in ERP",
        kind: "effect",
        connection: "sap",
        operation: "bookOrder",
        businessKey: "ord_1",
        outcome: "done",
        attempts: 1,
        probes: 1,
      },
    ],
    events: [
      { type: "order.placed", fact: "1", key: "order/ord_1", data: placedData("ord_1") },
      { type: "order.placed", fact: "2", key: "order/ord_2", data: placedData("ord_2") },
      { type: "shipment.delivered", fact: "3", key: "order/ord_1", data: { shipmentId: "S1" } },
      ...states("ord_1", "accepted", "reserved", "in the books", "released", "shipped", "closed"),
      ...states("ord_2", "accepted", "cancelling", "cancelled"),
    ],
    availability: [
      { sku: "A", locationId: "wh", onHandMilli: 8000, reservedMilli: 0 },
      { sku: "A", locationId: "store", onHandMilli: 2000, reservedMilli: 0 },
    ],
    inboxRows: [{ connection: "shopify", state: "translated", count: 5 }],
    duplicateReasons: {},
    webhooks: {
      shopify: { sent: 5, delivered: 5, dropped: 0, duplicated: 0, reordered: 0, gaveUp: 0, pending: 0 },
    },
    faults: { "sap-s4hana": { commitThenReset: 1 } },
    connections: [{ id: "sap", breaker: "closed", isPaused: false }],
    run: {
      placed: 2,
      kinds: { 1: "web order", 2: "cancelled by its buyer" },
      leastAvailableMilli: 0,
      availabilitySamples: 10,
      settledAfterMs: 5000,
      tailMs: 60_000,
      readAt: "2026-12-01T00:00:00.000Z",
      finishedDuringFaults: 1,
      rescues: [
        { kind: "kill", takenUpAfterMs: [400, 1200] },
        { kind: "pause", takenUpAfterMs: [9000] },
      ],
    },
  }
  // The tests change their copy; nothing else holds it.
  return structuredClone(books) as Changed<Books>
}

const at = <Item>(items: readonly Item[], index = 0): Item => {
  const item = items[index]
  if (item === undefined) throw new Error(`the books have no entry ${index}`)
  return item
}

const planted: [name: string, invariant: string, plant: (books: Changed<Books>) => void][] = [
  ["an order that was sold and is not known", "I-1", (books) => void books.shop.push(shopOrder(3) as never)],
  ["a webhook answered with 2xx and not kept", "I-1", (books) => (at(books.inboxRows).count = 4)],
  ["a closed order missing in the ERP", "I-1", (books) => void books.erpOrders.shift()],
  ["an order known twice", "I-2", (books) => void books.orders.push({ ...at(books.orders), id: "ord_9" })],
  [
    "an order nobody sold",
    "I-2",
    (books) => void books.orders.push({ ...at(books.orders), id: "ord_9", externalId: "9" }),
  ],
  ["one fact twice in the log", "I-2", (books) => void books.events.push(at(books.events))],
  ["an account that is not what the log says", "I-10", (books) => (at(books.accounts).isChanged = true)],
  ["money given back twice", "I-5", (books) => (at(at(books.accounts).tenders).givenBack.amountMinor = 2380)],
  ["an account without a capture", "I-5", (books) => (at(at(books.accounts).tenders).taken.amountMinor = 0)],
  ["a claim nobody knows of", "I-6", (books) => void at(books.accounts).openClaims.push({})],
  ["a second sales order", "I-3", (books) => void books.erpOrders.push(at(books.erpOrders))],
  ["a sales order of nobody", "I-3", (books) => (at(books.erpOrders, 1).PurchaseOrderByCustomer = "ord_9")],
  [
    "a cancelled order alive in the ERP",
    "I-3",
    (books) => (at(at(books.erpOrders, 1).to_Item).SalesDocumentRjcnReason = ""),
  ],
  ["a shipment without delivery", "I-3", (books) => void books.erpDeliveries.pop()],
  ["a shipment with two deliveries", "I-3", (books) => void books.erpDeliveries.push(at(books.erpDeliveries))],
  [
    "a delivery of nothing that left",
    "I-3",
    (books) => void books.erpDeliveries.push({ ...at(books.erpDeliveries), BillOfLading: "T9" }),
  ],
  ["a delivery without goods issue", "I-3", (books) => (at(books.erpDeliveries).OverallGoodsMovementStatus = "A")],
  [
    "a delivery of another quantity",
    "I-3",
    (books) => (at(at(books.erpDeliveries).to_DeliveryDocumentItem).ActualDeliveryQuantity = "1"),
  ],
  ["a fulfilment the shop never got", "I-3", (books) => void at(books.shop).fulfillments.pop()],
  ["a fulfilment told twice", "I-3", (books) => void at(books.shop).fulfillments.push(at(at(books.shop).fulfillments))],
  [
    "a fulfilment of a parcel that never left",
    "I-9",
    (books) => void at(books.shop).fulfillments.push({ id: 9, tracking: [{ number: "T9" }], lines: [] }),
  ],
  [
    "a delivery booked for another order",
    "I-3",
    (books) => (at(books.erpDeliveries).DeliveryDocumentBySupplier = "ord_2-d1"),
  ],
  ["goods shipped twice", "I-3", (books) => (at(at(books.shipmentRequests).lines).shippedMilli = 4000)],
  [
    "goods asked for twice",
    "I-3",
    (books) =>
      void books.shipmentRequests.push({
        ...at(books.shipmentRequests),
        requestId: "ord_1-2",
        lines: [{ ...at(at(books.shipmentRequests).lines), shippedMilli: 0 }],
      }),
  ],
  ["goods of a cancelled order shipped and nobody told", "I-6", (books) => (at(books.orders).state = "cancelled")],
  ["a closed order the shop waits for", "I-6", (books) => (at(at(books.shop).line_items).fulfilled_quantity = 1)],
  ["a parcel without mail", "I-3", (books) => void books.mails.pop()],
  ["a parcel that arrived and never ended", "I-2", (books) => void books.events.splice(2, 1)],
  ["a parcel that ended twice", "I-2", (books) => void books.events.push({ ...at(books.events, 2), fact: "4" })],
  ["an end of a parcel on its way", "I-2", (books) => (at(books.milestones, 1).milestone = "in-transit")],
  ["two mails for one parcel", "I-3", (books) => void books.mails.push({ ...at(books.mails), messageId: "<2>" })],
  [
    "an entry that does not balance",
    "I-5",
    (books) => (at(books.erpJournals, 2).AmountInTransactionCurrency = "11.89"),
  ],
  [
    "an entry posted twice",
    "I-3",
    (books) =>
      void books.erpJournals.push(...books.erpJournals.map((line) => ({ ...line, AccountingDocument: "101" }))),
  ],
  [
    "a cent less booked than charged",
    "I-5",
    (books) => {
      at(books.erpJournals).AmountInTransactionCurrency = "-9.99"
      at(books.erpJournals, 2).AmountInTransactionCurrency = "11.89"
    },
  ],
  [
    "something booked for a cancelled order",
    "I-5",
    (books) =>
      void books.erpJournals.push(
        ...books.erpJournals.map((line) => ({
          ...line,
          AccountingDocument: "101",
          DocumentReferenceID: "ORD_2-I1",
          AssignmentReference: "ord_2",
          AccountingDocumentHeaderText: "ord_2-i1",
        })),
      ),
  ],
  ["a hold that was never taken", "I-5", (books) => Object.assign(at(books.payments), { amount_received: 0 })],
  ["a hold taken twice", "I-5", (books) => (at(books.payments).captures = 2)],
  [
    "a hold of a cancelled order that is still held",
    "I-5",
    (books) => {
      at(books.shop, 1).transactions[0] = { ...at(at(books.shop).transactions), payment_id: "pi_2", parent_id: null }
      at(books.shop, 1).transactions.pop()
      books.payments.push({ ...pi, id: "pi_2", status: "requires_capture", amount_received: 0, captures: 0 })
    },
  ],
  ["money of a cancelled order that was kept", "I-5", (books) => void at(books.shop, 1).transactions.pop()],
  ["stock that vanished", "I-4", (books) => (at(books.availability).onHandMilli = 7000)],
  ["stock promised to nobody", "I-4", (books) => (at(books.availability).reservedMilli = 1000)],
  ["availability below zero under faults", "I-4", (books) => (books.run.leastAvailableMilli = -1000)],
  ["goods lost on their way between two places", "I-4", (books) => (at(books.availability, 1).onHandMilli = 1000)],
  ["goods that are still on their way", "I-4", (books) => (at(books.inStates, 1).onHandMilli = 1000)],
  ["a channel that shows another level than is true", "I-4", (books) => (at(books.channel.levels).available = 11)],
  ["a channel that was told more than there was", "I-4", (books) => (at(books.channel.changes).to = 13)],
  ["a version that goes back", "I-7", (books) => (at(books.channel.sightings, 1).version = 0)],
  ["a level of a place that nobody declared", "I-9", (books) => (at(books.channel.rows).locationId = "store")],
  ["an order that is stuck", "I-6", (books) => (at(books.orders).state = "released")],
  ["an effect without outcome", "I-6", (books) => (at(books.effects).outcome = "unknown")],
  ["a delivery nobody could understand", "I-6", (books) => (at(books.inboxRows).state = "parked")],
  ["two intents under one key", "I-3", (books) => void books.effects.push(at(books.effects))],
  [
    "money that the bank took and the account still has",
    "I-6",
    (books) => {
      books.disputes.push({ intentId: pi.id, amount: 100, status: "lost" })
    },
  ],
  ["an order that ended otherwise than its kind must", "I-6", (books) => (books.run.kinds[2] = "web order")],
  [
    "people who are asked without need",
    "I-6",
    (books) => {
      for (const [n, order] of books.orders.entries()) {
        const about = { orderId: order.id, about: `order/${order.id}`, cause: "it is odd", state: "open" as const }
        books.exceptions.push({ id: `x${n}`, ...about })
        books.events.push({ type: "exception.opened", fact: `x${n}`, key: about.about, data: { exceptionId: `x${n}` } })
      }
    },
  ],
  [
    "states out of order",
    "I-7",
    (books) => books.events.push(...states("ord_2", "reserved"), ...states("ord_2", "accepted")),
  ],
  ["an order that goes on after its end", "I-7", (books) => void books.events.push(...states("ord_1", "cancelled"))],
  ["no rest after the faults", "I-8", (books) => (books.run.settledAfterMs = undefined)],
  [
    "an instance of a dead worker that lay about",
    "I-8",
    (books) => void at(books.run.rescues).takenUpAfterMs.push(4001),
  ],
  [
    "an instance of a paused worker that lay about",
    "I-8",
    (books) => void at(books.run.rescues, 1).takenUpAfterMs.push(15_001),
  ],
  ["a door left shut", "I-8", (books) => (at(books.connections).breaker = "open")],
  ["a total the shop does not know", "I-9", (books) => (at(books.orders).total.amountMinor = 1191)],
  ["an order book that differs from the log", "I-10", (books) => void books.events.pop()],
  [
    "an exception that was opened and is not on the desk",
    "I-10",
    (books) =>
      void books.events.push({ type: "exception.opened", fact: "e", key: "order/ord_1", data: { exceptionId: "e" } }),
  ],
]

function placedData(id: string) {
  return { order: { id, cashRounding: { presentment: { amountMinor: 0 } } } }
}

describe("the checker", () => {
  test("books that agree are clean", () => {
    const report = checkBooks(cleanBooks())
    expect(report.violations).toEqual([])
    expect(report.rows.filter((row) => row.differences !== 0)).toEqual([])
    expect(report.invariants.every(({ isKept }) => isKept)).toBe(true)
  })

  test.each(planted)("finds %s (%s)", (_name, invariant, plant) => {
    const books = cleanBooks()
    plant(books)
    const report = checkBooks(books)
    expect(report.violations.map((violation) => violation.invariant)).toContain(invariant)
    expect(report.rows.some((row) => row.differences !== 0)).toBe(true)
  })

  test("an unfinished order with an open exception waits for a person and is no violation", () => {
    const books = cleanBooks()
    at(books.orders, 1).state = "on hold"
    books.events.pop()
    books.events.push(...states("ord_2", "on hold").map((event) => ({ ...event, fact: "held" })))
    books.exceptions.push({
      id: "x",
      orderId: "ord_2",
      about: "order/ord_2",
      cause: "goods are nowhere",
      state: "open",
    })
    books.events.push({ type: "exception.opened", fact: "x", key: "order/ord_2", data: { exceptionId: "x" } })
    expect(checkBooks(books).violations).toEqual([])
  })

  test("the same books give the same report", () => {
    expect(checkBooks(cleanBooks())).toEqual(checkBooks(cleanBooks()))
  })
})
