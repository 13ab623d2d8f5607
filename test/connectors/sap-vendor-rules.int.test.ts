import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { demoCompany } from "../../lab/sap-s4hana/demo-company.ts"
import { startSap } from "../../lab/sap-s4hana/sap-s4hana.ts"
import { createLog } from "../../src/base/log.ts"
import { businessDate as businessDateOf, instant, systemClock } from "../../src/base/time.ts"
import type { Order } from "../../src/canonical/order.ts"
import type { JournalEntry } from "../../src/canonical/ledger-entry.ts"
import { sapS4hana } from "../../src/connectors/sap-s4hana/connector.ts"
import type { SapSettings } from "../../src/connectors/sap-s4hana/settings.ts"
import type { RoutedLine } from "../../src/ports/capabilities/goods.ts"
import { routedTo, sampleOrder } from "../laws/sample-order.ts"
import { startRecorder } from "./answers/recorder.ts"
import { startErpBench, type ConnectedErp, type ErpBench } from "./sap-bench.ts"
import { newCall } from "./shopify-bench.ts"

// What a real SAP demands that a kinder simulator would not: lab/sap-s4hana/real.md.

/** A day of the open period: the lab's books are open for this month and the two before. */
const businessDate = businessDateOf(instant(systemClock.now()), { timeZone: "UTC" })

let bench: ErpBench
let skus: string[] = []
beforeAll(async () => {
  bench = await startErpBench()
  skus = bench.estate.skus.filter(({ unit }) => unit === "ea").map(({ sku }) => sku)
})
beforeEach(() => {
  bench.simulator.setFaults({})
  bench.simulator.reset()
})
afterAll(async () => bench.stop())

type Row = Record<string, unknown>
const rows = (kind: string) => bench.simulator.books()[kind] as Row[]
const itemsOf = (row: Row | undefined, name: string) => (row?.[name] ?? []) as Row[]

let count = 0
function newOrder(change: (order: Order) => Order = (order) => order): Order {
  count += 1
  return change(sampleOrder({ number: count, channel: "shop-de", skus: [skus[1] ?? "", skus[2] ?? ""] }))
}
const routingOf = (order: Order): RoutedLine[] => routedTo(order, "wh-leipzig")

function connected(changes: Partial<SapSettings>): ConnectedErp {
  const log = createLog("test", "silent")
  return sapS4hana.connect({ ...bench.settings, ...changes }, { connectionId: "erp", clock: systemClock, log })
}

async function book(order: Order, erp = bench.erp) {
  return erp.booksOrders.bookOrder.send({ order, routing: routingOf(order), businessDate }, newCall(order.id))
}

describe("orders", () => {
  test("P-46: a SKU in lower case is booked, and amending the order does not add it again", async () => {
    const order = newOrder((one) => ({
      ...one,
      lines: one.lines.map((line) => ({ ...line, sku: line.sku.toLowerCase() })),
    }))
    const { documentNumber } = await book(order)
    const input = { order, routing: routingOf(order), documentNumber }
    expect(await bench.erp.amendsOrders.amendOrder.probe(input, newCall())).toMatchObject({ documentNumber })
    await bench.erp.amendsOrders.amendOrder.send(input, newCall())
    expect(itemsOf(rows("orders")[0], "to_Item")).toHaveLength(order.lines.length)
  })

  test.each(["Material", "RequestedQuantity", "PurchaseOrderByCustomer", "ProductionPlant"])(
    "P-46: an answer without %s does not make an amendment add or reject what is right already",
    async (field) => {
      const recorder = await startRecorder(bench.simulator.url)
      const erp = connected({ baseUrl: recorder.url })
      const order = newOrder()
      const { documentNumber } = await book(order, erp)
      recorder.alter = ({ answer }) =>
        answer === undefined
          ? undefined
          : JSON.parse(JSON.stringify(answer).replaceAll(new RegExp(`"${field}":"[^"]*"`, "g"), `"${field}":null`))
      const amended = erp.amendsOrders.amendOrder.send({ order, routing: routingOf(order), documentNumber }, newCall())
      await amended.catch((thrown) => expect(thrown).toMatchObject({ code: "VENDOR_CONFLICT" }))
      const items = itemsOf(rows("orders")[0], "to_Item")
      expect(items.map((item) => item["SalesDocumentRjcnReason"])).toEqual(order.lines.map(() => ""))
      erp.close()
      await recorder.stop()
    },
  )

  test("P-46: shipping that SAP copies to every item shows as a total that differs from what was charged", async () => {
    const copied = await startSap({
      seed: 7,
      ...demoCompany(bench.estate),
      master: { ...demoCompany(bench.estate).master, copiedConditions: new Set([bench.settings.conditions.shipping]) },
    })
    const erp = connected({ baseUrl: copied.url })
    const order = newOrder()
    const shipping = order.charges.find(({ kind }) => kind === "shipping")?.total.shop.amountMinor ?? 0
    expect(shipping).toBeGreaterThan(0)
    expect((await book(order)).total).toEqual(order.total.shop)
    expect((await book(order, erp)).total?.amountMinor).toBeGreaterThan(order.total.shop.amountMinor)
    erp.close()
    await copied.stop()
  })

  test("P-46: an order is cancelled item by item, each with the version that the one before left", async () => {
    const order = newOrder()
    const { documentNumber } = await book(order)
    bench.simulator.setFaults({ operations: { updateSalesOrder: { commitThenReset: 0.5 } } })
    const cancel = { orderId: order.id, reason: "the buyer changed their mind" }
    await untilDone(() => bench.erp.cancelsOrders.cancelOrder.send(cancel, newCall()))
    expect(await bench.erp.cancelsOrders.cancelOrder.probe(cancel, newCall())).toMatchObject({ documentNumber })
    expect(rows("orders")).toMatchObject([{ OverallSDDocumentRejectionSts: "C", TotalNetAmount: "0.00" }])
  })
})

/** Tries again for as long as the outcome is open, as the effect engine does. */
async function untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt += 1)
    try {
      return await work()
    } catch (thrown) {
      const { code } = thrown as { code?: string }
      if (attempt > 40 || (code !== "VENDOR_UNCERTAIN" && code !== "VENDOR_UNAVAILABLE")) throw thrown
    }
}

describe("deliveries", () => {
  async function booked(change?: (order: Order) => Order) {
    const order = newOrder(change)
    const { documentNumber } = await book(order)
    const lines = routingOf(order)
    const shipment = {
      id: `S-${order.externalId}`,
      orderId: order.id,
      locationId: "wh-leipzig",
      shippedAt: "2026-11-20T22:00:00.000Z",
      trackingNumber: "TRACK-1",
      carrier: "parcel service",
      lines: lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
    }
    return { order, input: { orderId: order.id, documentNumber, shipment, lines, postingDate: businessDate } }
  }
  const write = () => bench.erp.recordsDeliveries.recordDelivery

  test.each(["createDelivery", "updateDelivery", "pickDelivery", "postGoodsIssue"])(
    "P-46: goods leave once and under our reference although answers to %s are lost",
    async (operation) => {
      for (const fault of ["commitThenReset", "commitThen5xx", "resetBeforeCommit"]) {
        const { order, input } = await booked()
        const call = newCall(`del_${order.id}`)
        bench.simulator.setFaults({ operations: { [operation]: { [fault]: 1 } } })
        await expect(write().send(input, call)).rejects.toMatchObject({ code: "VENDOR_UNCERTAIN" })
        bench.simulator.setFaults({})
        const found = (await write().probe(input, call)) ?? (await write().send(input, call))
        const mine = rows("deliveries").filter((row) => row["DeliveryDocumentBySupplier"] === call.key)
        expect(mine).toMatchObject([
          { DeliveryDocument: found.documentNumber, OverallGoodsMovementStatus: "C", BillOfLading: "TRACK-1" },
        ])
        const ofOrder = rows("deliveries").flatMap((row) => itemsOf(row, "to_DeliveryDocumentItem"))
        expect(ofOrder.filter((row) => row["ReferenceSDDocument"] === input.documentNumber)).toHaveLength(2)
      }
    },
  )

  test("P-46: two shipments of the same goods never share a delivery, though both lost the answer to its creation", async () => {
    const twoOfEach = (one: Order) => ({
      ...one,
      lines: one.lines.map((line) => ({ ...line, quantity: { milli: 2_000, unit: "ea" } })),
    })
    const { order, input } = await booked(twoOfEach)
    const halves = [1, 2].map((n) => {
      const lines = input.lines.map((line) => ({ ...line, quantity: { ...line.quantity, milli: 1_000 } }))
      return {
        input: { ...input, lines, shipment: { ...input.shipment, id: `S-${n}` } },
        call: newCall(`${order.id}-d${n}`),
      }
    })
    bench.simulator.setFaults({ operations: { createDelivery: { commitThenReset: 1 } } })
    await Promise.allSettled(halves.map((half) => write().send(half.input, half.call)))
    expect(rows("deliveries")).toHaveLength(2)
    expect(rows("deliveries").map((row) => row["DeliveryDocumentBySupplier"])).toEqual(["", ""])
    bench.simulator.setFaults({})
    const recorded = await Promise.all(halves.map((half) => untilDone(() => write().send(half.input, half.call))))
    expect(new Set(recorded.map(({ documentNumber }) => documentNumber)).size).toBe(2)
    expect(rows("deliveries")).toHaveLength(2)
    for (const [index, half] of halves.entries())
      expect(await write().probe(half.input, half.call)).toEqual(recorded[index])
  })

  test("P-46: a clerk's delivery of the goods is left alone once it is issued, and SAP's refusal names it", async () => {
    const { order, input } = await booked()
    await write().send(input, newCall(`del_${order.id}`))
    await expect(write().send(input, newCall(`other_${order.id}`))).rejects.toMatchObject({
      code: "VENDOR_REJECTED",
      message: expect.stringContaining("VL/363"),
    })
    expect(rows("deliveries")).toHaveLength(1)
  })

  test("P-44: goods issue is dated by the posting date; one refused for its period is posted on another day, once", async () => {
    const { order, input } = await booked()
    const call = newCall(`del_${order.id}`)
    const closed = { ...input, postingDate: "2020-01-15" }
    await expect(write().send(closed, call)).rejects.toMatchObject({ code: "PERIOD_CLOSED" })
    expect(await write().probe(closed, call)).toBeUndefined()
    await write().send(input, call)
    const moved = `/Date(${Date.parse(businessDate)})/`
    expect(rows("deliveries")).toMatchObject([{ ActualGoodsMovementDate: moved, OverallGoodsMovementStatus: "C" }])
  })

  test("P-46: success without effect of any step is no proof", async () => {
    for (const operation of ["pickDelivery", "postGoodsIssue"]) {
      const { order, input } = await booked()
      bench.simulator.setFaults({ operations: { [operation]: { ignoredTransition: 1 } } })
      await expect(write().send(input, newCall(`del_${order.id}`))).rejects.toMatchObject({ code: "VENDOR_CONFLICT" })
    }
  })
})

describe("journal entries", () => {
  const eur = (amountMinor: number) => ({ amountMinor, currency: "EUR" })
  const entry = (number: string, taxMinor = 1_900): JournalEntry => ({
    number,
    orderId: "ord_0000000000000001",
    kind: "invoice",
    postedAt: "2026-11-20T22:00:00.000Z",
    businessDate,
    currency: "EUR",
    lines: [
      { account: "payment clearing", amount: eur(10_495 + taxMinor) },
      { account: "revenue", amount: eur(-10_000), ...taxed(taxMinor) },
      { account: "shipping revenue", amount: eur(-495), ...taxed(taxMinor) },
      { account: "tax payable", amount: eur(-taxMinor), ...taxed(taxMinor) },
    ],
  })
  const taxed = (taxMinor: number) => (taxMinor === 0 ? {} : { tax: { country: "NL", rates: ["21"] } })
  const write = (erp = bench.erp) => erp.postsJournals.postEntry

  test("P-46: tax is posted under its code and stands on the code's account with what it is on", async () => {
    await write().send({ entry: entry("i1") }, newCall("i1"))
    const [tax] = rows("journals").filter((row) => row["GLAccount"] === "22000000")
    expect(tax).toMatchObject({
      TaxCode: "A1",
      AmountInTransactionCurrency: "-19.00",
      TaxBaseAmountInTransCrcy: "-104.95",
    })
    const codes = rows("journals").map((row) => row["TaxCode"])
    expect(codes.toSorted()).toEqual(["", "A1", "A1", "A1"])
  })

  test("P-46: each rate is posted under its own code with what it is on, by country and rate, the rate alone, or the country", async () => {
    const [nine, austin] = [
      { country: "NL", rates: ["9"] },
      { country: "US", rates: ["1", "1", "6.25"] },
    ]
    const mixed: JournalEntry = {
      ...entry("i3"),
      lines: [
        { account: "payment clearing", amount: eur(30_995) },
        { account: "revenue", amount: eur(-10_000), ...taxed(1) },
        { account: "revenue", amount: eur(-10_000), tax: nine },
        { account: "revenue", amount: eur(-7_170), tax: austin },
        { account: "tax payable", amount: eur(-2_100), ...taxed(1) },
        { account: "tax payable", amount: eur(-900), tax: nine },
        { account: "tax payable", amount: eur(-825), tax: austin },
      ],
    }
    await write().send({ entry: mixed }, newCall("i3"))
    const taxes = rows("journals").filter((row) => row["GLAccount"] === "22000000")
    const shown = taxes.map((row) => [
      row["TaxCode"],
      row["AmountInTransactionCurrency"],
      row["TaxBaseAmountInTransCrcy"],
    ])
    expect(shown).toEqual([
      ["A1", "-21.00", "-100.00"],
      ["A2", "-9.00", "-100.00"],
      ["U1", "-8.25", "-71.70"],
    ])
  })

  test("P-46: a rate that no code is given for is refused with the codes there are, and nothing is posted", async () => {
    const strange = { country: "LU", rates: ["17"] }
    const lines = entry("i4").lines.map((line) => (line.tax ? { ...line, tax: strange } : line))
    await expect(write().send({ entry: { ...entry("i4"), lines } }, newCall("i4"))).rejects.toMatchObject({
      code: "VENDOR_REJECTED",
      message: expect.stringMatching(/no tax code is given for "LU 17"; there are .*21: A1/),
      problems: [{ pointer: "/taxCodes/rates" }],
    })
    expect(rows("journals")).toEqual([])
  })

  test("P-46: a tax without a rate goes by the one rate that makes its amount, and is asked about when none or several do", async () => {
    const titled = (taxMinor: number, netMinor: number): JournalEntry => {
      const tax = { country: "DE", rates: ["DE MwSt"] }
      const lines = [
        { account: "payment clearing" as const, amount: eur(netMinor + taxMinor) },
        { account: "revenue" as const, amount: eur(-netMinor), tax },
        { account: "tax payable" as const, amount: eur(-taxMinor), tax },
      ]
      return { ...entry(`t${netMinor}-${taxMinor}`), lines }
    }
    const post = (one: JournalEntry) => write().send({ entry: one }, newCall(one.number))
    await post(titled(2_100, 10_000))
    expect(rows("journals").filter((row) => row["GLAccount"] === "22000000")).toMatchObject([{ TaxCode: "A1" }])
    await expect(post(titled(1_300, 10_000))).rejects.toThrow('no tax code is given for "DE DE MwSt"')
    // On so little, nine per cent and none are the same.
    await expect(post(titled(1, 10))).rejects.toThrow("no tax code is given")
  })

  test("P-46: what was sold without tax carries the code for none", async () => {
    await write().send({ entry: entry("i2", 0) }, newCall("i2"))
    expect(rows("journals").map((row) => row["TaxCode"])).toEqual(["", "A0", "A0"])
  })

  test("P-46: an entry whose key is in lower case is found, because SAP keeps the reference in upper case", async () => {
    const posted = await write().send({ entry: entry("inv-a1") }, newCall("inv-a1"))
    expect(rows("journals")[0]?.["DocumentReferenceID"]).toBe("INV-A1")
    expect(await write().probe({ entry: entry("inv-a1") }, newCall("inv-a1"))).toEqual(posted)
  })

  test("P-46: an order type that SAP bills is found at the check and refused before revenue is stated twice", async () => {
    const erp = connected({ salesOrderType: "OR" })
    await book(newOrder(), erp)
    await expect(erp.check()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("twice"),
      problems: [{ pointer: "/salesOrderType", message: expect.stringMatching(/^is "OR", expected .* Name a type/) }],
    })
    await expect(write(erp).send({ entry: entry("i3") }, newCall("i3"))).rejects.toMatchObject({
      code: "VENDOR_REJECTED",
    })
    expect(rows("journals")).toEqual([])
    erp.close()
  })

  test("a check that fails names the setting, what is expected of it, and what to do", async () => {
    const cases: [Partial<SapSettings>, object][] = [
      [{ password: "wrong" }, { code: "VENDOR_KEY_REFUSED", problems: [{ pointer: "/user" }] }],
      [
        { baseUrl: `${bench.simulator.url}/elsewhere` },
        { code: "VENDOR_REJECTED", problems: [{ pointer: "/baseUrl" }] },
      ],
      [{ baseUrl: "http://127.0.0.1:9" }, { code: "VENDOR_UNAVAILABLE", problems: [{ pointer: "/baseUrl" }] }],
    ]
    for (const [settings, expected] of cases) {
      const erp = connected(settings)
      const message = expect.stringMatching(/^(user|baseUrl): expected .*; .*\. Correct /)
      await expect(erp.check()).rejects.toMatchObject({ ...expected, message })
      erp.close()
    }
  })

  test("P-46: where SAP bills, no entry is posted, and a type it does not bill is found at the check", async () => {
    const billed = connected({ salesOrderType: "OR", invoicedBy: "SAP billing" })
    await book(newOrder(), billed)
    await billed.check()
    expect(await write(billed).send({ entry: entry("i4") }, newCall("i4"))).toEqual({ documentNumber: "" })
    expect(await write(billed).probe({ entry: entry("i4") }, newCall("i4"))).toEqual({ documentNumber: "" })
    expect(rows("journals")).toEqual([])
    billed.close()
  })
})
