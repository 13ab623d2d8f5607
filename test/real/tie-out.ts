import { setTimeout as sleep } from "node:timers/promises"
import { orderIdOf } from "../../src/base/ids.ts"
import { money } from "../../src/base/money.ts"
import { ref } from "../../src/canonical/refs.ts"
import { findMisbooked } from "../../src/rules/tie-out/booked.ts"
import {
  findLiveDocuments,
  findMissingDocuments,
  findSurplusDocuments,
  type BookedDocument,
  type WantedDocument,
} from "../../src/rules/tie-out/documents.ts"
import { findingText, type Finding } from "../../src/rules/tie-out/finding.ts"
import { findPaymentDifferences } from "../../src/rules/tie-out/payments.ts"
import { findForgottenReservations, findStockDifferences } from "../../src/rules/tie-out/stock.ts"
import { readTrytonLedger, readTrytonSales, readVendureOrders, type TrytonSale, type VendureOrder } from "./books.ts"
import type { CrossdockProcess } from "./crossdock-process.ts"
import type { TrytonServer } from "./tryton/tryton.ts"
import type { VendureServer } from "./vendure/vendure.ts"

/** An order as the buyer saw it accepted and paid. */
export type Placed = { kind: "hot" | "plain"; id: string; code: string; chargedMinor: number; netMinor: number }

export type TieOut = {
  placed: readonly Placed[]
  shop: VendureServer
  books: TrytonServer
  crossdock: CrossdockProcess
  /** The SKU everybody wanted, and how many pieces there were. */
  hot: { sku: string; pieces: number }
  /** How many pieces there were of every other one. */
  plainPieces: number
}

type Row = { what: string; wanted: number | string; found: number | string }

/** Everything that was found, by order. */
type Found = {
  placed: Placed
  shopOrder: VendureOrder | undefined
  sales: TrytonSale[]
}

/** Compares the books of both systems, order by order and in sum, prints what was found, and answers whether all of it fits. */
export async function tieOut(input: TieOut): Promise<boolean> {
  const { placed, shop, books, hot } = input
  const [shopOrders, sales, ledger] = await Promise.all([
    readVendureOrders(shop.databaseUrl),
    readTrytonSales(books.databaseUrl),
    readTrytonLedger(books.databaseUrl),
  ])
  const found: Found[] = placed.map((order) => ({
    placed: order,
    shopOrder: shopOrders.get(order.code),
    sales: sales.get(orderIdOf("shop", order.id)) ?? [],
  }))
  const kept = found.filter((each) => each.sales.length > 0)
  const plainCount = placed.filter(({ kind }) => kind === "plain").length
  const rows: Row[] = [
    { what: "orders the shop accepted", wanted: placed.length, found: shopOrders.size },
    { what: "sales in the books", wanted: hot.pieces + plainCount, found: [...sales.values()].flat().length },
    ...documentRows(sales, found),
    ...keptRows(kept, { pieces: hot.pieces, plainCount }),
    ...refusedRows(
      found.filter((each) => each.sales.length === 0),
      placed.length - hot.pieces - plainCount,
    ),
    ...moneyRows({ found, kept, ledger }),
    ...(await stockRows(input, kept)),
    ...(await exceptionRows(input)),
  ]
  return report(rows)
}

/** What a rule of tie-out found: nothing is wanted, and each finding is told. */
function noneOf(what: string, findings: readonly Finding[]): Row {
  for (const finding of findings.slice(0, 10)) console.log(`tie-out: ${findingText(finding)}`)
  return { what, wanted: 0, found: findings.length }
}

const orderRef = ({ placed }: Found) => ref("order", orderIdOf("shop", placed.id))
const currencyOf = ({ shopOrder }: Found) => shopOrder?.currency ?? "EUR"
const isCalledOff = ({ shopOrder }: Found) => shopOrder?.state === "Cancelled"

function documentRows(sales: ReadonlyMap<string, TrytonSale[]>, found: readonly Found[]): Row[] {
  const documents = [...sales.values()].flat().map(({ id, reference, state }): BookedDocument => ({
    system: "tryton",
    type: "sale",
    number: String(id),
    order: ref("order", reference),
    isAlive: state !== "cancelled",
  }))
  // Which of those who wanted the last pieces got them is decided by who came first.
  const wanted = found.map((each): WantedDocument => {
    const wants = each.placed.kind === "plain" ? "one" : "either"
    return {
      order: orderRef(each),
      total: money(each.placed.chargedMinor, currencyOf(each)),
      wanted: isCalledOff(each) ? "none alive" : wants,
    }
  })
  return [
    noneOf("orders missing in the books", findMissingDocuments(documents, wanted)),
    noneOf("orders booked twice, sales of no order", findSurplusDocuments(documents, wanted)),
    noneOf("sales alive though their order was cancelled", findLiveDocuments(documents, wanted)),
  ]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** What of every order that has stock must be true, counted as orders of which it is. */
function keptRows(kept: readonly Found[], expected: { pieces: number; plainCount: number }): Row[] {
  const wanted = expected.pieces + expected.plainCount
  const count = (holds: (each: Found) => boolean): number => kept.filter(holds).length
  const isHot = ({ placed }: Found): boolean => placed.kind === "hot"
  return [
    { what: "of these for the article everybody wanted", wanted: expected.pieces, found: count(isHot) },
    { what: "plain orders booked", wanted: expected.plainCount, found: count((each) => !isHot(each)) },
    { what: "sales shipped once, piece by piece", wanted, found: count(isShippedInBooks) },
    { what: "sales invoiced once and posted, equal to the cent", wanted, found: count(isInvoiced) },
    { what: "invoices paid", wanted, found: count(({ sales }) => sales[0]?.invoices[0]?.state === "paid") },
    { what: "these orders shipped once in the shop", wanted, found: count(isShippedInShop) },
    { what: "money given back on them", wanted: 0, found: sum(kept.map(({ shopOrder }) => refundedMinor(shopOrder))) },
  ]
}

function isShippedInBooks({ shopOrder, sales: [sale] }: Found): boolean {
  const done = sale?.shipments.filter(({ state }) => state === "done") ?? []
  const moved = done.flatMap(({ moves }) => moves.filter(({ state }) => state === "done"))
  return (
    sale?.shipmentState === "sent" &&
    done.length === 1 &&
    pieces(moved) ===
      pieces(shopOrder?.lines.map(({ sku, placedQuantity }) => ({ sku, quantity: placedQuantity })) ?? [])
  )
}

function isInvoiced({ placed, sales: [sale] }: Found): boolean {
  const [invoice] = sale?.invoices ?? []
  return (
    sale?.invoices.length === 1 &&
    (invoice?.state === "posted" || invoice?.state === "paid") &&
    sale.untaxedMinor === placed.netMinor &&
    invoice.untaxedMinor === placed.netMinor &&
    invoice.totalMinor === placed.chargedMinor &&
    invoice.ledgerMinor === placed.chargedMinor
  )
}

function isShippedInShop({ shopOrder }: Found): boolean {
  const live = shopOrder?.fulfillments.filter(({ state }) => state !== "Cancelled") ?? []
  return (
    shopOrder?.state === "Shipped" &&
    new Set(live.map(({ id }) => id)).size === 1 &&
    live.every(({ state }) => state === "Shipped") &&
    pieces(live) === pieces(shopOrder.lines)
  )
}

function pieces(lines: readonly { sku: string; quantity: number }[]): string {
  const texts = lines.map(({ sku, quantity }) => `${quantity} ${sku}`)
  return texts.sort().join(", ")
}

const refundedMinor = (order: VendureOrder | undefined): number =>
  sum(order?.refunds.map(({ amountMinor }) => amountMinor) ?? [])

const paidMinor = (order: VendureOrder | undefined): number =>
  sum(order?.payments.filter(({ state }) => state === "Settled").map(({ amountMinor }) => amountMinor) ?? [])

function refusedRows(refused: readonly Found[], wanted: number): Row[] {
  const count = (holds: (order: VendureOrder) => boolean): number =>
    refused.filter(({ shopOrder }) => shopOrder !== undefined && holds(shopOrder)).length
  const isBack = (order: VendureOrder): boolean =>
    refundedMinor(order) === paidMinor(order) && order.refunds.every(({ state }) => state === "Settled")
  return [
    { what: "orders without stock", wanted, found: refused.length },
    { what: "of these cancelled in the shop", wanted, found: count(({ state }) => state === "Cancelled") },
    { what: "refunded in full, to the cent", wanted, found: count(isBack) },
    { what: "refunded by one refund", wanted, found: count(({ refunds }) => refunds.length === 1) },
    { what: "fulfilments of them", wanted: 0, found: count(({ fulfillments }) => fulfillments.length > 0) },
  ]
}

function moneyRows(books: {
  found: readonly Found[]
  kept: readonly Found[]
  ledger: ReadonlyMap<string, number>
}): Row[] {
  const { found, kept, ledger } = books
  const keptMinor = sum(found.map(({ shopOrder }) => paidMinor(shopOrder) - refundedMinor(shopOrder)))
  const netMinor = sum(kept.map(({ placed }) => placed.netMinor))
  const chargedMinor = sum(kept.map(({ placed }) => placed.chargedMinor))
  const invoicedMinor = sum(
    kept.flatMap(({ sales }) => sales.flatMap(({ invoices }) => invoices)).map((i) => i.totalMinor),
  )
  const balance = (name: string): number => ledger.get(name) ?? 0
  const booked = found.map((each) => {
    const currency = currencyOf(each)
    const owedMinor = sum(each.sales.flatMap(({ invoices }) => invoices.map((invoice) => invoice.ledgerMinor)))
    const charged = money(isCalledOff(each) ? 0 : each.placed.chargedMinor, currency)
    return { order: orderRef(each), charged, booked: money(owedMinor, currency) }
  })
  const payments = found.map((each) => {
    const keptMinor = paidMinor(each.shopOrder) - refundedMinor(each.shopOrder)
    const kept = [money(keptMinor, currencyOf(each))]
    return { order: orderRef(each), isCalledOff: isCalledOff(each), holds: [], kept }
  })
  return [
    noneOf("orders booked otherwise than charged", findMisbooked(booked)),
    noneOf("cancelled orders whose money was not given back", findPaymentDifferences(payments)),
    { what: "cents the shop took and kept", wanted: chargedMinor, found: keptMinor },
    { what: "cents invoiced in the books", wanted: keptMinor, found: invoicedMinor },
    { what: "ledger: cash", wanted: keptMinor, found: balance("Main Cash") },
    { what: "ledger: receivable", wanted: 0, found: balance("Main Receivable") },
    { what: "ledger: revenue", wanted: -netMinor, found: balance("Main Revenue") },
    { what: "ledger: tax", wanted: netMinor - chargedMinor, found: balance("Main Tax") },
    { what: "ledger: sum of all accounts", wanted: 0, found: sum([...ledger.values()]) },
  ]
}

type Availability = { sku: string; onHandMilli: number; reservedMilli: number }

async function stockRows({ crossdock, shop, hot, plainPieces }: TieOut, kept: readonly Found[]): Promise<Row[]> {
  const items = shop.skus.map((sku) => ({ sku }))
  const answer = await crossdock.api<{ items: Availability[] }>("POST", "/v1/availability/query", { items })
  const shipped = Map.groupBy(
    kept.flatMap(({ shopOrder }) => shopOrder?.lines ?? []),
    ({ sku }) => sku,
  )
  const places = answer.items.map(({ sku, onHandMilli, reservedMilli }) => ({
    sku,
    locationId: "all",
    openingMilli: (sku === hot.sku ? hot.pieces : plainPieces) * 1000,
    returnedMilli: 0,
    shippedMilli: sum((shipped.get(sku) ?? []).map(({ quantity }) => quantity)) * 1000,
    onHandMilli,
    reservedMilli,
    isWanted: false,
  }))
  const hotOnHand = places.find(({ sku }) => sku === hot.sku)?.onHandMilli
  return [
    { what: "articles that Crossdock tells of", wanted: shop.skus.length, found: places.length },
    noneOf("articles with another quantity than was shipped", findStockDifferences(places)),
    noneOf("articles still reserved", findForgottenReservations(places)),
    { what: `pieces left of ${hot.sku}`, wanted: 0, found: hotOnHand ?? "?" },
  ]
}

interface Told {
  cause: string
  summary: string
  decision?: { action: string }
}

/** A shop and an ERP that share two cores with Crossdock may answer a poll late; that ends by itself, and counts if it does not. */
const hasEndedByItself = ({ cause, decision }: Told): boolean =>
  cause === "a reader is behind its time" && decision?.action === "works again"

/** Every exception, once those that end by themselves have had two minutes for it. */
async function toldExceptions(crossdock: TieOut["crossdock"]): Promise<readonly Told[]> {
  for (let tries = 24; ; tries -= 1) {
    const all = (await crossdock.list<Told>("/v1/exceptions")).filter((one) => !hasEndedByItself(one))
    const late = all.find(({ cause }) => cause === "a reader is behind its time")
    if (!late || tries === 0) return all
    console.log(`waits until it is in time: ${late.summary}`)
    await sleep(5000)
  }
}

/** A shortage decided by policy is told to people as well; nothing else may need one. */
async function exceptionRows({ crossdock, placed, hot }: TieOut): Promise<Row[]> {
  const all = await toldExceptions(crossdock)
  const others = all.filter(({ cause }) => !cause.startsWith("stock is short"))
  for (const { cause, summary } of others.slice(0, 10)) console.log(`exception: ${cause}: ${summary}`)
  const hotCount = placed.filter(({ kind }) => kind === "hot").length
  return [
    { what: "exceptions: stock is short", wanted: hotCount - hot.pieces, found: all.length - others.length },
    { what: "exceptions of any other kind", wanted: 0, found: others.length },
  ]
}

function report(rows: readonly Row[]): boolean {
  const failed = rows.filter(({ wanted, found }) => wanted !== found)
  console.log(`\n${"".padEnd(54)}${"wanted".padStart(12)}${"found".padStart(12)}`)
  for (const { what, wanted, found } of rows) {
    const mark = wanted === found ? "" : "   FAILED"
    console.log(`${what.padEnd(54)}${String(wanted).padStart(12)}${String(found).padStart(12)}${mark}`)
  }
  console.log(`\n${rows.length - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0
}
