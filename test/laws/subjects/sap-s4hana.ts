import { createEstate } from "../../../lab/estate/estate.ts"
import { demoCompany } from "../../../lab/sap-s4hana/demo-company.ts"
import { startSap } from "../../../lab/sap-s4hana/sap-s4hana.ts"
import type { Simulator } from "../../../lab/simulator.ts"
import { createLog } from "../../../src/base/log.ts"
import { money, moneyFromDecimal } from "../../../src/base/money.ts"
import { businessDate, instant, systemClock } from "../../../src/base/time.ts"
import type { JournalEntry } from "../../../src/canonical/ledger-entry.ts"
import type { Order } from "../../../src/canonical/order.ts"
import { sapS4hana } from "../../../src/connectors/sap-s4hana/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import { erpSettings } from "../../connectors/sap-bench.ts"
import { routedTo, sampleOrder } from "../sample-order.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

const estate = createEstate({ seed: 7, skuCount: 50 })
const [place] = estate.locations
if (place === undefined) throw new Error("the estate has locations")
const skus = estate.skus.filter(({ unit }) => unit === "ea").map(({ sku }) => sku)

type Row = Record<string, string>

// No idempotency key: VENDORS.md section 14. The engine probes before it repeats, which the last law shows.
const repeatsShow = "S/4HANA knows no idempotency key; a repeat is preceded by a probe"

const today = businessDate(instant(systemClock.now()), { timeZone: "UTC" })

const connect = (baseUrl: string) =>
  sapS4hana.connect(erpSettings(estate, baseUrl), {
    connectionId: "erp",
    clock: systemClock,
    log: createLog("laws", "silent"),
  })
type Sap = ReturnType<typeof connect>
type Bench = { simulator: Simulator; here: Sap; nowhere: Sap }

let count = 0
function nextOrder(firstSku = skus[1]): Order {
  count += 1
  return sampleOrder({ number: count, channel: "sap-laws", skus: [firstSku ?? "", skus[2] ?? ""] })
}
const locationId = place.locationId
const text = (row: Row, name: string) => row[name] ?? ""

export async function startBench(): Promise<LawBench> {
  const simulator = await startSap({ seed: 7, ...demoCompany(estate) })
  const bench: Bench = { simulator, here: connect(simulator.url), nowhere: connect("http://127.0.0.1:9") }
  return {
    subjects: [bookOrder(bench), cancelOrder(bench), recordDelivery(bench), postEntry(bench)],
    stop: async () => {
      bench.here.close()
      bench.nowhere.close()
      await simulator.stop()
    },
  }
}

// The books hold the fields of the vendor's entities (lab/sap-s4hana/company.ts), all of them text.
const rows = ({ simulator }: Bench, kind: string) => simulator.books()[kind] as Row[]

function bookIntent(bench: Bench, { booksOrders }: Sap, order = nextOrder()) {
  const mine = () => rows(bench, "orders").filter((row) => row["PurchaseOrderByCustomer"] === order.id)
  return intentOf(booksOrders.bookOrder, {
    input: { order, routing: routedTo(order, locationId), businessDate: today },
    key: order.id,
    count: () => mine().length,
    amounts: async () => {
      const call = { key: order.id, signal: AbortSignal.timeout(5_000), correlation: "laws" }
      const booked = await booksOrders.bookOrder.probe({ order, routing: [], businessDate: today }, call)
      return { sent: order.total.shop, inBooks: booked?.total }
    },
  })
}

function bookOrder(bench: Bench): LawSubject {
  return {
    name: "sap-s4hana booksOrders.bookOrder",
    make: async () => bookIntent(bench, bench.here),
    refused: async () => bookIntent(bench, bench.here, nextOrder("REJECT-ERP-1")),
    unreachable: async () => bookIntent(bench, bench.nowhere),
    repeatsShow,
    strike: striker(bench.simulator, ["createSalesOrder"]),
  }
}

function cancelOrder(bench: Bench): LawSubject {
  const make = async ({ cancelsOrders }: Sap, isBooked = true) => {
    const order = nextOrder()
    if (isBooked) await bookIntent(bench, bench.here, order).send()
    return intentOf(cancelsOrders.cancelOrder, {
      input: { orderId: order.id, reason: "the buyer changed their mind" },
      key: `can_${order.id}`,
      // C: all items are rejected (OverallSDDocumentRejectionSts).
      count: () =>
        rows(bench, "orders").filter(
          (row) => row["PurchaseOrderByCustomer"] === order.id && text(row, "OverallSDDocumentRejectionSts") === "C",
        ).length,
    })
  }
  return {
    name: "sap-s4hana cancelsOrders.cancelOrder",
    make: () => make(bench.here),
    missing: () => make(bench.here, false),
    unreachable: () => make(bench.nowhere),
    // Two items are two changes; a fault after the first leaves the order half rejected, which the repeat completes.
    strike: striker(bench.simulator, ["updateSalesOrder"]),
    cannotLose: {
      "commit then reset": "an order is cancelled item by item: the last law tries it",
      "commit then 5xx": "an order is cancelled item by item: the last law tries it",
      "answer too late": "an order is cancelled item by item: the last law tries it",
    },
  }
}

function recordDelivery(bench: Bench): LawSubject {
  const make = async ({ recordsDeliveries }: Sap) => {
    const order = nextOrder()
    const booked = await bookIntent(bench, bench.here, order).send()
    const key = `del_${order.id}`
    const lines = routedTo(order, locationId)
    const mine = () => rows(bench, "deliveries").filter((row) => row["DeliveryDocumentBySupplier"] === key)
    return intentOf(recordsDeliveries.recordDelivery, {
      input: {
        orderId: order.id,
        documentNumber: booked.reference?.id ?? "",
        shipment: {
          id: `SH-${order.externalId}`,
          orderId: order.id,
          locationId,
          shippedAt: instant(systemClock.now()),
          lines: lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
        },
        lines,
        postingDate: today,
      },
      key,
      count: () =>
        mine().filter((row) => row["OverallGoodsMovementStatus"] === "C").length + Math.max(0, mine().length - 1),
    })
  }
  return {
    name: "sap-s4hana recordsDeliveries.recordDelivery",
    make: () => make(bench.here),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["postGoodsIssue"]),
  }
}

function postEntry(bench: Bench): LawSubject {
  const make = async ({ postsJournals }: Sap, postedAt = instant(systemClock.now())) => {
    const order = nextOrder()
    const number = `J${order.externalId}`
    const total = order.total.shop.amountMinor
    const entry: JournalEntry = {
      number,
      orderId: order.id,
      kind: "invoice",
      postedAt,
      businessDate: postedAt.slice(0, 10),
      currency: "EUR",
      lines: [
        { account: "receivable", amount: money(total, "EUR") },
        { account: "revenue", amount: money(-total, "EUR") },
      ],
    }
    const mine = () => rows(bench, "journals").filter((row) => row["DocumentReferenceID"] === number)
    return intentOf(postsJournals.postEntry, {
      input: { entry },
      key: number,
      count: () => new Set(mine().map((row) => row["AccountingDocument"])).size,
      amounts: () => {
        const debit = mine().find((row) => row["DebitCreditCode"] === "S")
        const amount = debit && text(debit, "AmountInTransactionCurrency")
        return { sent: money(total, "EUR"), inBooks: amount ? moneyFromDecimal(amount, "EUR") : undefined }
      },
    })
  }
  return {
    name: "sap-s4hana postsJournals.postEntry",
    make: () => make(bench.here),
    refused: () => make(bench.here, "2020-01-01T10:00:00.000Z"),
    unreachable: () => make(bench.nowhere),
    repeatsShow,
    strike: striker(bench.simulator, ["postJournal"]),
  }
}
