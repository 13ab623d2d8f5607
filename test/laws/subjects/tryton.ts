import { startTryton, trytonPassword, trytonUser } from "../../../lab/tryton/tryton.ts"
import { createLog } from "../../../src/base/log.ts"
import { money } from "../../../src/base/money.ts"
import { systemClock } from "../../../src/base/time.ts"
import type { JournalEntry } from "../../../src/canonical/ledger-entry.ts"
import type { Order } from "../../../src/canonical/order.ts"
import { tryton } from "../../../src/connectors/tryton/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import type { LawBench } from "../benches.ts"
import { routedTo, sampleOrder } from "../sample-order.ts"
import { striker } from "../strike.ts"

interface SaleRow {
  id: number
  reference: string
  state: string
  shipments: number[]
  invoices: number[]
  comment: string | null
  untaxed_amount: { decimal: string }
}
interface DocumentRow {
  id: number
  state: string
  total_amount: { decimal: string }
}

type Simulator = Awaited<ReturnType<typeof startTryton>>
type Erp = ReturnType<typeof connectTryton>

interface Bench {
  simulator: Simulator
  here: Erp
  nowhere: Erp
}

/** The lab's Tryton as a connection has it. */
export function connectTryton(baseUrl: string) {
  const settings = {
    baseUrl,
    database: "books",
    user: trytonUser,
    password: trytonPassword,
    currency: "EUR",
    company: 1,
    currencyId: 1,
    party: 2,
    address: 2,
    paymentTerm: 1,
    warehouses: { "wh-1": 5 },
    units: { ea: 1 },
    chargeProducts: { shipping: "SERVICE-SHIPPING", rounding: "SERVICE-ROUNDING" },
    timeZone: "Europe/Brussels",
    taxAccount: 7,
    allowPrivateNetwork: true,
  }
  return tryton.connect(settings, { connectionId: "erp", clock: systemClock, log: createLog("laws", "silent") })
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startTryton({ seed: 7 })
  const bench: Bench = { simulator, here: connectTryton(simulator.url), nowhere: connectTryton("http://127.0.0.1:9") }
  return {
    subjects: [bookOrder(bench), amendOrder(bench), cancelOrder(bench), recordDelivery(bench), postEntry(bench)],
    stop: async () => {
      bench.here.close()
      bench.nowhere.close()
      await simulator.stop()
    },
  }
}

let count = 0
const nextOrder = (skus = ["LAW-1", "LAW-2"]) => sampleOrder({ number: (count += 1), skus })
const businessDate = "2026-11-20" as JournalEntry["businessDate"]
// The simulator's books hold exactly these rows (lab/tryton/books.ts).
const salesOf = ({ simulator }: Bench, reference: string) =>
  (simulator.books()["sales"] as SaleRow[]).filter((row) => row.reference === reference)
const documents = ({ simulator }: Bench, name: "shipments" | "invoices") => simulator.books()[name] as DocumentRow[]

const callOf = (key: string) => ({ key, signal: AbortSignal.timeout(10_000), correlation: "laws" })

async function booked({ here }: Bench, order = nextOrder()): Promise<Order> {
  const input = { order, routing: routedTo(order, "wh-1"), businessDate }
  await here.booksOrders.bookOrder.send(input, callOf(order.id))
  return order
}

function bookOrder(bench: Bench): LawSubject {
  const make = async ({ booksOrders }: Erp, skus?: string[]) => {
    const order = nextOrder(skus)
    const netMinor = [...order.lines, ...order.charges].reduce(
      (sum, part) =>
        sum + part.total.shop.amountMinor - part.taxes.reduce((taxes, tax) => taxes + tax.amount.shop.amountMinor, 0),
      0,
    )
    return intentOf(booksOrders.bookOrder, {
      input: { order, routing: routedTo(order, "wh-1"), businessDate },
      key: order.id,
      count: () => salesOf(bench, order.id).filter(({ state }) => state === "processing").length,
      amounts: () => {
        const [sale] = salesOf(bench, order.id)
        const inBooks = sale && money(Math.round(Number(sale.untaxed_amount.decimal) * 100), "EUR")
        return { sent: money(netMinor, "EUR"), inBooks }
      },
    })
  }
  return {
    name: "tryton booksOrders.bookOrder",
    make: () => make(bench.here),
    refused: () => make(bench.here, ["NO-SUCH-1"]),
    unreachable: () => make(bench.nowhere),
    // A sale counts when it is confirmed, the last of three calls; the others continue where they stopped.
    strike: striker(bench.simulator, ["model.sale.sale.confirm"]),
  }
}

function amendOrder(bench: Bench): LawSubject {
  const street = "Law street 1"
  /** Another address, which the sale can have; other articles for the same money, which it cannot have. */
  const make = async ({ amendsOrders }: Erp, isOtherArticle = false) => {
    const order = await booked(bench)
    const to = { name: "A. Buyer", line1: street, postalCode: "1011", city: "Amsterdam", countryCode: "NL" }
    const lines = order.lines.map((line) => (isOtherArticle ? { ...line, sku: `${line.sku}-OTHER` } : line))
    const edited = { ...order, lines, shippingAddress: to } as Order
    return intentOf(amendsOrders.amendOrder, {
      input: { order: edited, routing: routedTo(edited, "wh-1"), documentNumber: "1" },
      key: `${order.id}-amend`,
      count: () => salesOf(bench, order.id).filter(({ comment }) => comment?.includes(street)).length,
    })
  }
  return {
    name: "tryton amendsOrders.amendOrder",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["model.sale.sale.write"]),
  }
}

const severalCalls = "a lost answer leaves others of its calls to be made"

function cancelOrder(bench: Bench): LawSubject {
  const intentFor = ({ cancelsOrders }: Erp, orderId: string) =>
    intentOf(cancelsOrders.cancelOrder, {
      input: { orderId, reason: "taken back" },
      key: `${orderId}-undo`,
      count: () => salesOf(bench, orderId).filter(({ state }) => state === "done").length,
    })
  return {
    name: "tryton cancelsOrders.cancelOrder",
    make: async () => intentFor(bench.here, (await booked(bench)).id),
    missing: () => Promise.resolve(intentFor(bench.here, nextOrder().id)),
    unreachable: async () => intentFor(bench.nowhere, (await booked(bench)).id),
    cannotLose: { "commit then reset": severalCalls, "commit then 5xx": severalCalls, "answer too late": severalCalls },
    strike: striker(bench.simulator, ["model.stock.shipment.out.cancel"]),
  }
}

function recordDelivery(bench: Bench): LawSubject {
  const make = async (erp: Erp, isTooMuch = false) => {
    const order = await booked(bench)
    const key = `${order.id}-d1`
    const lines = routedTo(order, "wh-1").map((line) =>
      isTooMuch ? { ...line, quantity: { ...line.quantity, milli: 99_000 } } : line,
    )
    const shipment = {
      id: key,
      orderId: order.id,
      locationId: "wh-1",
      shippedAt: order.placedAt,
      lines: lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
    }
    const [id] = salesOf(bench, order.id)[0]?.shipments ?? []
    return intentOf(erp.recordsDeliveries.recordDelivery, {
      input: { orderId: order.id, documentNumber: "1", shipment, lines, postingDate: businessDate },
      key,
      count: () => documents(bench, "shipments").filter((row) => row.id === id && row.state === "done").length,
    })
  }
  return {
    name: "tryton recordsDeliveries.recordDelivery",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["model.stock.shipment.out.done"]),
  }
}

/** The invoice of a whole order, with its tax as charged. */
export function invoiceOf(order: Order, postingDate?: JournalEntry["businessDate"]): JournalEntry {
  const totalMinor = order.total.shop.amountMinor
  const taxMinor = [...order.lines, ...order.charges]
    .flatMap(({ taxes }) => taxes)
    .reduce((sum, tax) => sum + tax.amount.shop.amountMinor, 0)
  const amount = (amountMinor: number) => money(amountMinor, order.currency.shop)
  return {
    number: `${order.id}-i1`,
    orderId: order.id,
    kind: "invoice",
    postedAt: order.placedAt,
    businessDate,
    ...(postingDate === undefined ? {} : { postingDate }),
    currency: order.currency.shop,
    lines: [
      { account: "receivable", amount: amount(totalMinor), text: order.number },
      { account: "sales", amount: amount(taxMinor - totalMinor), text: order.number },
      { account: "tax payable", amount: amount(-taxMinor), text: order.number },
    ],
  } as JournalEntry
}

function postEntry(bench: Bench): LawSubject {
  const make = async ({ postsJournals }: Erp, isWrong = false) => {
    const order = await booked(bench)
    const right = invoiceOf(order)
    const [first, second, ...rest] = right.lines
    if (!first || !second) throw new Error("an entry has lines")
    const by = (line: typeof first, minor: number) => ({
      ...line,
      amount: { ...line.amount, amountMinor: line.amount.amountMinor + minor },
    })
    const entry = isWrong ? { ...right, lines: [by(first, 100), by(second, -100), ...rest] } : right
    const [id] = salesOf(bench, order.id)[0]?.invoices ?? []
    const row = () => documents(bench, "invoices").find((one) => one.id === id && one.state === "posted")
    return intentOf(postsJournals.postEntry, {
      input: { entry },
      key: entry.number,
      count: () => (row() ? 1 : 0),
      amounts: () => {
        const posted = row()
        const inBooks = posted && money(Math.round(Number(posted.total_amount.decimal) * 100), "EUR")
        return { sent: order.total.shop, inBooks }
      },
    })
  }
  return {
    name: "tryton postsJournals.postEntry",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["model.account.invoice.post"]),
  }
}
